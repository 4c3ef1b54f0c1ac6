%% Erlang distribution: `server`, or `client NODE AMOUNT`, which prints what so many small tuples took.
-module(sink).
-export([server/0, client/1]).

server() ->
    register(sink, self()),
    io:format("~s~n", [node()]),
    count(0).

count(N) ->
    receive
        {report, From} -> From ! {count, N, cpu()}, count(0);
        _ -> count(N + 1)
    end.

%% Milliseconds of CPU time since the last call.
cpu() ->
    {_, Milliseconds} = statistics(runtime),
    Milliseconds.

client([Node, Amount]) ->
    Sink = {sink, list_to_atom(Node)},
    pong = net_adm:ping(list_to_atom(Node)),
    N = list_to_integer(Amount),
    run(Sink, N),
    {Microseconds, Own, Others} = run(Sink, N),
    Format = "{\"amount\":~b,\"seconds\":~w,\"cpu\":[~w,~w]}~n",
    io:format(Format, [N, Microseconds / 1.0e6, Own * 1.0e3 / N, Others * 1.0e3 / N]),
    halt().

run(Sink, N) ->
    Sink ! {report, self()},
    receive {count, _, _} -> ok end,
    cpu(),
    Start = erlang:monotonic_time(microsecond),
    send(Sink, 0, N),
    Sink ! {report, self()},
    Others = receive {count, N, Milliseconds} -> Milliseconds end,
    {erlang:monotonic_time(microsecond) - Start, cpu(), Others}.

send(_, N, N) -> ok;
send(Sink, I, N) ->
    Sink ! {I, <<"item">>, true, [1, 2.5, <<"x">>]},
    send(Sink, I + 1, N).
