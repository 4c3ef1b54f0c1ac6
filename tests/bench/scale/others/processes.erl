%% Prints the bytes that a process takes: escript processes.erl sleeping|receiving count
%%! +P 4000000
-mode(compile).

main([Kind, Argument]) ->
    Count = list_to_integer(Argument),
    Self = self(),
    erlang:garbage_collect(),
    Before = resident(),
    lists:foreach(fun(_) -> spawn(fun() -> Self ! begun, wait(Kind) end) end, lists:seq(1, Count)),
    lists:foreach(fun(_) -> receive begun -> ok end end, lists:seq(1, Count)),
    erlang:garbage_collect(),
    io:format("~b~n", [(resident() - Before) div Count]).

wait("sleeping") -> receive after 3600000 -> ok end;
wait("receiving") -> receive never -> ok end.

resident() ->
    {ok, Text} = file:read_file("/proc/self/statm"),
    [_, Pages | _] = string:lexemes(Text, " "),
    binary_to_integer(Pages) * 4096.
