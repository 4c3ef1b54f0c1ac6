%% Erlang distribution: `server`, or `client NODE AMOUNT`, which prints the seconds that so many small tuples took.
-module(sink).
-export([server/0, client/1]).

server() ->
    register(sink, self()),
    io:format("~s~n", [node()]),
    count(0).

count(N) ->
    receive
        {report, From} -> From ! {count, N}, count(0);
        _ -> count(N + 1)
    end.

client([Node, Amount]) ->
    Sink = {sink, list_to_atom(Node)},
    pong = net_adm:ping(list_to_atom(Node)),
    N = list_to_integer(Amount),
    run(Sink, N),
    Seconds = run(Sink, N),
    io:format("~w~n", [Seconds]),
    halt().

run(Sink, N) ->
    Sink ! {report, self()},
    receive {count, _} -> ok end,
    Start = erlang:monotonic_time(microsecond),
    send(Sink, 0, N),
    Sink ! {report, self()},
    receive {count, N} -> ok end,
    (erlang:monotonic_time(microsecond) - Start) / 1.0e6.

send(_, N, N) -> ok;
send(Sink, I, N) ->
    Sink ! {I, <<"item">>, true, [1, 2.5, <<"x">>]},
    send(Sink, I + 1, N).
