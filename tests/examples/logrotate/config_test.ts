/** Mistakes in a configuration: each is reported, with the path to its key. */
import { assertEquals, assertThrows } from "@std/assert";
import { type Config, ConfigError, parseConfig, readConfig } from "../../../examples/logrotate/config.ts";
import { parseJson } from "../../../examples/logrotate/json.ts";

const DAILY = { type: "daily" };

/** The lines that tell what is wrong with a configuration. */
function mistakesIn(config: unknown): string[] {
  const { message } = assertThrows(() => parseConfig(JSON.stringify(config), "/etc"), ConfigError);
  return message.split("\n");
}

function withLog(log: object): { logs: object[] } {
  return { logs: [{ path: "app.log", policies: [DAILY], ...log }] };
}

function withPolicy(policy: object): { logs: object[] } {
  return withLog({ policies: [policy] });
}

Deno.test("options that are left out have their defaults, and paths are relative to the folder", () => {
  const config = parseConfig(
    JSON.stringify({
      logs: [
        { path: "app.log", policies: [DAILY, { type: "interval", every: 0.5 }] },
        { path: "/var/b.log", copyTruncate: true, policies: [{ type: "size", maxBytes: 1 }] },
      ],
    }),
    "/etc",
  );
  const common = { keep: 5, gzip: false, create: false };
  const timeZone = Temporal.Now.timeZoneId();
  const expected: Config = {
    state: "/etc/logrotate.state.json",
    logs: [
      {
        ...common,
        path: "/etc/app.log",
        copyTruncate: false,
        gzipFrom: 2,
        policies: [{ type: "daily", at: "00:00", timeZone }, { type: "interval", every: 0.5 }],
      },
      {
        ...common,
        path: "/var/b.log",
        copyTruncate: true,
        gzipFrom: 1,
        policies: [{ type: "size", maxBytes: 1, checkEvery: 60, watch: false }],
      },
    ],
  };
  assertEquals(config, expected);
});

Deno.test("the configuration that comes with it is right", () => {
  const file = new URL("../../../examples/logrotate/logrotate.json", import.meta.url).pathname;
  assertEquals(readConfig(file).logs.map(({ keep }) => keep), [3, 5, 3, 5]);
});

Deno.test("all mistakes are reported at once", () => {
  const mistakes = mistakesIn({
    stat: "x",
    logs: [
      { path: "", kep: 3, policies: [] },
      { keep: -1, policies: [{ type: "dayly" }, { type: "size", maxBytes: "1k" }, 7] },
    ],
  });
  assertEquals(mistakes, [
    'stat: is unknown; did you mean "state"?',
    'logs[0].kep: is unknown; did you mean "keep"?',
    'logs[0].path: must be a text that is not empty: current value is ""',
    "logs[0].policies: must be a list of at least one: current value is []",
    "logs[1].path: is missing",
    "logs[1].keep: must be an integer from 0 to 999: current value is -1",
    'logs[1].policies[0].type: must be "interval" or "size" or "daily": current value is "dayly"; did you mean "daily"?',
    'logs[1].policies[1].maxBytes: must be a positive integer: current value is "1k"',
    "logs[1].policies[2]: must be an object: current value is 7",
  ]);
});

const MISTAKES: [what: string, config: unknown, mistake: string][] = [
  ["no object", [], "must be an object: current value is []"],
  ["null", null, "must be an object: current value is null"],
  ["no logs", {}, "logs: is missing"],
  ["logs that are no list", { logs: {} }, "logs: must be a list of at least one: current value is {}"],
  ["a log that is null", { logs: [null] }, "logs[0]: must be an object: current value is null"],
  ["no policies", { logs: [{ path: "a" }] }, "logs[0].policies: is missing"],
  [
    "a path that is a number",
    withLog({ path: 1 }),
    "logs[0].path: must be a text that is not empty: current value is 1",
  ],
  ["half a version", withLog({ keep: 0.5 }), "logs[0].keep: must be an integer from 0 to 999: current value is 0.5"],
  ["too many", withLog({ keep: 1000 }), "logs[0].keep: must be an integer from 0 to 999: current value is 1000"],
  ["gzip as a word", withLog({ gzip: "yes" }), 'logs[0].gzip: must be true or false: current value is "yes"'],
  ["gzipFrom 0", withLog({ gzipFrom: 0 }), "logs[0].gzipFrom: must be a positive integer: current value is 0"],
  ["an unknown key far from any", withLog({ frequency: 1 }), "logs[0].frequency: is unknown"],
  ["an inherited key", withLog({ toString: 1 }), "logs[0].toString: is unknown"],
  [
    "both ways to keep the name",
    withLog({ create: true, copyTruncate: true }),
    "logs[0].create: must not be set with copyTruncate, which leaves the log in its place",
  ],
  [
    "no type",
    withPolicy({}),
    'logs[0].policies[0].type: must be "interval" or "size" or "daily": current value is undefined',
  ],
  ["no interval", withPolicy({ type: "interval" }), "logs[0].policies[0].every: is missing"],
  [
    "an interval of no time",
    withPolicy({ type: "interval", every: 0 }),
    "logs[0].policies[0].every: must be a positive number of seconds, at most a billion: current value is 0",
  ],
  [
    "an interval of ages",
    withPolicy({ type: "interval", every: 1e10 }),
    "logs[0].policies[0].every: must be a positive number of seconds, at most a billion: current value is 10000000000",
  ],
  [
    "the key of another policy",
    withPolicy({ type: "interval", every: 1, at: "00:00" }),
    "logs[0].policies[0].at: is unknown",
  ],
  [
    "a size in words",
    withPolicy({ type: "size", maxBytes: "1k" }),
    'logs[0].policies[0].maxBytes: must be a positive integer: current value is "1k"',
  ],
  [
    "an hour that no day has",
    withPolicy({ type: "daily", at: "24:00" }),
    'logs[0].policies[0].at: must be a time of day such as "00:00": current value is "24:00"',
  ],
  [
    "a time zone with a slip",
    withPolicy({ type: "daily", timeZone: "Europe/Londn" }),
    'logs[0].policies[0].timeZone: must be a time zone such as "Europe/London": current value is "Europe/Londn"; ' +
    'did you mean "Europe/London"?',
  ],
  [
    "the same log twice",
    { logs: [{ path: "a/../b.log", policies: [DAILY] }, { path: "b.log", policies: [DAILY] }] },
    'logs[1].path: must be there once, and is at logs[0].path too: current value is "b.log"',
  ],
  [
    "an old version of another log",
    { logs: [{ path: "b.log.2.gz", policies: [DAILY] }, { path: "b.log", policies: [DAILY] }] },
    'logs[0].path: must not be an old version of logs[1].path: current value is "b.log.2.gz"',
  ],
];

for (const [what, config, mistake] of MISTAKES) {
  Deno.test(`a configuration with ${what} is refused`, () => assertEquals(mistakesIn(config), [mistake]));
}

const BAD_JSON: [json: string, message: string][] = [
  ["", "line 1, column 1: Expected a value"],
  ["{", "line 1, column 2: Expected a key in double quotes"],
  ['{\n  "a": 1\n  "b": 2\n}', 'line 3, column 3: Expected "," or "}"'],
  ['{\n  "a" 1}', 'line 2, column 7: Expected ":"'],
  ["[1,\n 2,\n]", "line 3, column 1: Expected a value"],
  ['{"a": tru}', "line 1, column 7: Expected a value"],
  ['{"a": "x\ny"}', "line 1, column 7: Expected a string"],
  ["{'a': 1}", "line 1, column 2: Expected a key in double quotes"],
  ["[01]", 'line 1, column 3: Expected "," or "]"'],
  ["[1] // done", "line 1, column 5: Expected the end of the text"],
  ['{"a": 1,\n "b": 2,\n "a": 3}', 'line 3, column 2: The key "a" is there twice'],
];

for (const [json, message] of BAD_JSON) {
  Deno.test(`JSON that is not: ${JSON.stringify(json)}`, () => {
    assertThrows(() => parseJson(json), SyntaxError);
    assertEquals(assertThrows(() => parseJson(json), SyntaxError).message, message);
  });
}

Deno.test("JSON that is right is read as JSON.parse reads it", () => {
  for (
    const json of [
      ' {"a" : [1, -2.5e+3, 0, true, false, null, "x\\n\\u00e9\\"", {}, []], "": {"__proto__": 1}}\n',
      '"text"',
      "0",
      "[[[]]]",
    ]
  ) {
    assertEquals(parseJson(json), JSON.parse(json));
  }
});

Deno.test("the error for a file that cannot be used names it", () => {
  const file = "no/such.json";
  const { message } = assertThrows(() => readConfig(file), ConfigError);
  assertEquals(message.split("\n")[0], "Cannot use no/such.json:");
});
