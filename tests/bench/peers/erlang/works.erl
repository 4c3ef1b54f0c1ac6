%% What is measured: the functions have the names of the works.
-module(works).
-export([switch/1, spawn/1, hundreds/1, 'ping-pong'/1, ring/1, 'fan-in'/1, lock/1, broadcast/1,
    scope/1, select/1, limiter/1, sleepers/1]).
-compile({no_auto_import, [spawn/1]}).

-define(COROUTINES, 1000).
-define(RING, 503).
-define(SENDERS, 1000).
-define(SUBSCRIBERS, 100).
-define(CHILDREN, 100).
-define(RATE, 100000).
-define(BURST, 1000).
-define(TAKERS, 100).

switch(Amount) ->
    Steps = Amount div ?COROUTINES,
    Begun = counters:new(1, []),
    lists:sum(in_processes(?COROUTINES, fun(_) ->
        counters:add(Begun, 1, 1),
        give_way(Steps),
        case counters:get(Begun, 1) of
            ?COROUTINES -> Steps;
            _ -> 0
        end
    end)).

give_way(0) ->
    ok;
give_way(Steps) ->
    erlang:yield(),
    give_way(Steps - 1).

%% A process says what it came to with a message.
spawn(Amount) -> one_by_one(0, Amount, 0).

one_by_one(Amount, Amount, Sum) -> Sum;
one_by_one(Index, Amount, Sum) -> one_by_one(Index + 1, Amount, Sum + result_of(start(fun short/1, Index))).

hundreds(Amount) -> by_hundreds(0, Amount, 0).

by_hundreds(Amount, Amount, Sum) ->
    Sum;
by_hundreds(Next, Amount, Sum) ->
    Processes = [start(fun short/1, Index) || Index <- lists:seq(Next, Next + 99)],
    by_hundreds(Next + 100, Amount, Sum + lists:sum([result_of(Process) || Process <- Processes])).

short(Index) -> Index.

'ping-pong'(Amount) ->
    Self = self(),
    Partner = erlang:spawn(fun() -> pong(Self, Amount div 2) end),
    ping(Partner, Amount div 2, 0).

ping(_, 0, Last) ->
    Last;
ping(Partner, Rounds, Last) ->
    Partner ! Last + 1,
    receive
        Number -> ping(Partner, Rounds - 1, Number)
    end.

pong(_, 0) ->
    ok;
pong(Partner, Rounds) ->
    receive
        Number -> Partner ! Number + 1
    end,
    pong(Partner, Rounds - 1).

%% Each node but the last knows the next one from its start, as they are created from the last to the first.
ring(Amount) ->
    Self = self(),
    Last = erlang:spawn(fun() -> receive {next, Next} -> node(?RING, Next, Self) end end),
    Start = fun(Number, Next) -> erlang:spawn(fun() -> node(Number, Next, Self) end) end,
    First = lists:foldl(Start, Last, lists:seq(?RING - 1, 1, -1)),
    Last ! {next, First},
    First ! Amount,
    Answer = receive {stopped_at, Number} -> Number end,
    First ! stop,
    receive stopped -> Answer end.

node(Number, Next, Starter) ->
    receive
        0 ->
            Starter ! {stopped_at, Number},
            node(Number, Next, Starter);
        stop when Number =:= ?RING ->
            Starter ! stopped;
        stop ->
            Next ! stop;
        Token ->
            Next ! Token - 1,
            node(Number, Next, Starter)
    end.

'fan-in'(Amount) ->
    Self = self(),
    Each = Amount div ?SENDERS,
    Start = fun(First) -> erlang:spawn(fun() -> send(Self, First, First + Each) end) end,
    lists:foreach(Start, lists:seq(0, Amount - Each, Each)),
    collect(Amount, 0).

send(_, End, End) ->
    ok;
send(Collector, Message, End) ->
    Collector ! Message,
    erlang:yield(),
    send(Collector, Message + 1, End).

collect(0, Sum) ->
    Sum;
collect(Left, Sum) ->
    receive
        Message -> collect(Left - 1, Sum + Message)
    end.

%% A process is the lock: who asks first has it first.
lock(Amount) ->
    Lock = erlang:spawn(fun unlocked/0),
    Counter = counters:new(1, []),
    in_processes(2, fun(_) -> hold(Lock, Counter, Amount div 2) end),
    exit(Lock, kill),
    counters:get(Counter, 1).

unlocked() ->
    receive
        {acquire, Holder} ->
            Holder ! acquired,
            receive {release, Holder} -> unlocked() end
    end.

hold(_, _, 0) ->
    ok;
hold(Lock, Counter, Times) ->
    Lock ! {acquire, self()},
    receive acquired -> ok end,
    Seen = counters:get(Counter, 1),
    erlang:yield(),
    counters:put(Counter, 1, Seen + 1),
    Lock ! {release, self()},
    hold(Lock, Counter, Times - 1).

broadcast(Amount) ->
    Messages = Amount div ?SUBSCRIBERS,
    Subscribers = [start(fun(_) -> listen(0, Messages, 0) end, none) || _ <- lists:seq(1, ?SUBSCRIBERS)],
    publish(Subscribers, 0, Messages),
    lists:sum([result_of(Subscriber) || Subscriber <- Subscribers]).

publish(_, Messages, Messages) ->
    ok;
publish(Subscribers, Message, Messages) ->
    lists:foreach(fun(Subscriber) -> Subscriber ! Message end, Subscribers),
    erlang:yield(),
    publish(Subscribers, Message + 1, Messages).

listen(Messages, Messages, InOrder) ->
    InOrder;
listen(Taken, Messages, InOrder) ->
    receive
        InOrder -> listen(Taken + 1, Messages, InOrder + 1);
        _ -> listen(Taken + 1, Messages, InOrder)
    end.

%% A process whose children are linked to it: what fails ends the others, and the scope.
scope(Amount) -> scopes(0, Amount, counters:new(1, [])).

scopes(Amount, Amount, Sum) ->
    counters:get(Sum, 1);
scopes(Next, Amount, Sum) ->
    {Scope, Monitor} = spawn_monitor(fun() ->
        process_flag(trap_exit, true),
        Child = fun(Index) -> spawn_link(fun() -> counters:add(Sum, 1, Index) end) end,
        all_end([Child(Index) || Index <- lists:seq(Next, Next + ?CHILDREN - 1)])
    end),
    receive {'DOWN', Monitor, process, Scope, normal} -> scopes(Next + ?CHILDREN, Amount, Sum) end.

all_end([]) ->
    ok;
all_end([Child | Others]) ->
    receive
        {'EXIT', Child, normal} -> all_end(Others);
        {'EXIT', _, Reason} when Reason =/= normal -> exit(Reason)
    end.

%% A mailbox is where all sources come together. As it has no bound, a producer yields after each.
select(Amount) ->
    Self = self(),
    Each = Amount div 4,
    Start = fun(Source, First) -> erlang:spawn(fun() -> produce(Self, Source, First, First + Each) end) end,
    [Start(Source, Each * Index) || {Source, Index} <- [{a, 0}, {b, 1}, {c, 2}, {d, 3}]],
    take_any(Amount, 0).

produce(_, _, End, End) ->
    ok;
produce(Consumer, Source, Item, End) ->
    Consumer ! {Source, Item},
    erlang:yield(),
    produce(Consumer, Source, Item + 1, End).

take_any(0, Sum) ->
    Sum;
take_any(Left, Sum) ->
    receive
        {a, Item} -> take_any(Left - 1, Sum + Item);
        {b, Item} -> take_any(Left - 1, Sum + Item);
        {c, Item} -> take_any(Left - 1, Sum + Item);
        {d, Item} -> take_any(Left - 1, Sum + Item)
    end.

%% A process has the bucket of tokens, and tells how long to sleep until the token is there.
limiter(Amount) ->
    Limiter = erlang:spawn(fun() -> limit(?BURST, erlang:monotonic_time(microsecond)) end),
    Taken = lists:sum(in_processes(?TAKERS, fun(_) -> take(Limiter, Amount div ?TAKERS, 0) end)),
    exit(Limiter, kill),
    Taken.

limit(Tokens, Filled) ->
    receive
        {take, From} ->
            Now = erlang:monotonic_time(microsecond),
            Left = min(?BURST, Tokens + (Now - Filled) * ?RATE / 1000000) - 1,
            From ! {wait, max(0, -Left) / ?RATE},
            limit(Left, Now)
    end.

take(_, 0, Taken) ->
    Taken;
take(Limiter, Left, Taken) ->
    Limiter ! {take, self()},
    receive
        {wait, Seconds} when Seconds > 0 -> timer:sleep(ceil(Seconds * 1000));
        {wait, _} -> ok
    end,
    take(Limiter, Left - 1, Taken + 1).

%% The last one to wake says so: a million messages, looked through one after the other, would be what is measured.
sleepers(Amount) ->
    Self = self(),
    Woken = atomics:new(1, []),
    Sleeper = fun(Index) ->
        timer:sleep(delay_of(Index)),
        case atomics:add_get(Woken, 1, 1) of
            Amount -> Self ! all_woken;
            _ -> ok
        end
    end,
    start_below(Amount, Sleeper),
    receive all_woken -> atomics:get(Woken, 1) end.

start_below(0, _) ->
    ok;
start_below(Left, Body) ->
    erlang:spawn(fun() -> Body(Left - 1) end),
    start_below(Left - 1, Body).

%% In milliseconds: there are no shorter ones.
delay_of(Index) -> Index * 514229 rem 1000000 div 1000.

%% What the processes came to.
in_processes(Count, Body) ->
    Processes = [start(Body, Index) || Index <- lists:seq(0, Count - 1)],
    [result_of(Process) || Process <- Processes].

start(Body, Argument) ->
    Self = self(),
    erlang:spawn(fun() -> Self ! {self(), Body(Argument)} end).

result_of(Process) ->
    receive
        {Process, Result} -> Result
    end.
