%% An echo server, a process for each connection.
-module(echo).
-export([serve/0]).

%% Begins to serve, and answers the port.
serve() ->
    Self = self(),
    spawn(fun() ->
        Options = [binary, {active, false}, {ip, {127, 0, 0, 1}}, {nodelay, true}, {backlog, 128}],
        {ok, Listener} = gen_tcp:listen(0, Options),
        {ok, Port} = inet:port(Listener),
        Self ! {port, Port},
        accept(Listener)
    end),
    receive
        {port, Port} -> Port
    end.

accept(Listener) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    Process = spawn(fun() -> receive begin_with -> echo(Socket) end end),
    ok = gen_tcp:controlling_process(Socket, Process),
    Process ! begin_with,
    accept(Listener).

echo(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Data} ->
            case gen_tcp:send(Socket, Data) of
                ok -> echo(Socket);
                {error, _} -> gen_tcp:close(Socket)
            end;
        {error, _} ->
            gen_tcp:close(Socket)
    end.
