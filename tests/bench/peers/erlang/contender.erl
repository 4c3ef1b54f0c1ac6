%% What processes of Erlang take for the works of ../works.ts: contender.ts beside it says what is read and printed.
-module(contender).
-export([main/1]).

main(["echo"]) ->
    io:format("{\"port\":~b}~n", [echo:serve()]),
    wait();
main([Name]) ->
    Work = list_to_atom(Name),
    run_works(fun(Amount) -> works:Work(Amount) end).

%% A process for each line: none begins with the memory of the one before.
run_works(Work) ->
    case io:get_line("") of
        eof ->
            halt();
        Line ->
            Amount = list_to_integer(string:trim(Line)),
            {_, Monitor} = spawn_monitor(fun() -> exit({done, timed(Work, Amount)}) end),
            receive
                {'DOWN', Monitor, process, _, {done, {Nanoseconds, Answer}}} ->
                    io:format("{\"ns\":~b,\"answer\":~b}~n", [Nanoseconds, Answer]),
                    run_works(Work);
                {'DOWN', Monitor, process, _, Reason} ->
                    io:format(standard_error, "~0p~n", [Reason]),
                    halt(1)
            end
    end.

timed(Work, Amount) ->
    Start = erlang:monotonic_time(nanosecond),
    Answer = Work(Amount),
    {erlang:monotonic_time(nanosecond) - Start, Answer}.

wait() ->
    case io:get_line("") of
        eof -> halt();
        _ -> wait()
    end.
