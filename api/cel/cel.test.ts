import { expect, test } from 'vitest'
import { compileCel, describeError, fromJson } from './compile.ts'
import type { CelError } from './values.ts'

const self = {
  name: 'web',
  replicas: 3,
  ratio: 0.5,
  tags: ['a', 'b'],
  labels: { app: 'x', 'with-dash': 'y' },
  list: [
    { k: 'one', n: 1 },
    { k: 'two', n: 2 },
  ],
}

test.each<[string, unknown]>([
  ['1 + 2 * 3 == 7', true],
  ['7 / 2', 3n],
  ['-7 / 2', -3n],
  ['7.0 / 2.0', 3.5],
  ['-7 % 3', -1n],
  ['1 == 1.0', true],
  ["'a' + \"b\" + r'\\d'", 'ab\\d'],
  ['"\\u00e9\\n"', 'é\n'],
  ['self.replicas >= 3 && self.name.startsWith("w")', true],
  ['has(self.missing)', false],
  ['has(self.name) ? self.name : "none"', 'web'],
  ['"a" in self.tags', true],
  ['"app" in self.labels', true],
  ['self.labels["with-dash"]', 'y'],
  ['self.tags[1]', 'b'],
  ['self.list.all(x, x.n > 0)', true],
  ['self.list.exists(x, x.k == "two")', true],
  ['self.list.exists_one(x, x.n > 0)', false],
  ['self.list.map(x, x.n)', [1n, 2n]],
  ['self.list.map(x, x.n > 1, x.k)', ['two']],
  ['self.list.filter(x, self.tags.exists(t, x.n > 1)).size()', 1n],
  ['self.labels.all(k, self.labels[k].size() == 1)', true],
  ['size("🎈a")', 2n],
  ['"a-b".matches("^[a-z]-")', true],
  ['"a,b,c".split(",", 2)', ['a', 'b,c']],
  ['["b", "a"].join("-").upperAscii()', 'B-A'],
  ['"abc".substring(1, 2)', 'b'],
  ['"aXbX".replace("X", "y", 1)', 'aybX'],
  ['[1, 3, 2].max() + [1, 2].sum()', 6n],
  ['[1, 2].isSorted()', true],
  ['duration("1h30m").getMinutes()', 90n],
  ['timestamp("2026-01-02T03:04:05Z") - timestamp("2026-01-01T03:04:05Z") == duration("24h")', true],
  ['type(1) == int && type("") == string', true],
  ['{"a": 1}.a', 1n],
  ['self.missing == 1 || true', true],
  ['true || self.missing == 1', true],
  ['int("12") + 1', 13n],
  ['!(1 in [2])', true],
  ['self.?missing.orValue("none")', 'none'],
  ['self.?name.hasValue() && self.?missing.?deeper.hasValue() == false', true],
  ['self.tags[?1].value() + self.tags[?9].orValue("!")', 'b!'],
  ['[1, ?optional.none(), ?optional.of(2)]', [1n, 2n]],
  ['{"a": 1, ?"b": self.?missing}', { a: 1n }],
  ['self.?replicas.optMap(x, x + 1).value()', 4n],
  ['optional.of(1).or(optional.of(2)) == optional.of(1)', true],
  ['optional.ofNonZeroValue("").hasValue()', false],
  ['self.labels.transformList(k, v, k + v)', ['appx', 'with-dashy']],
  ['self.labels.transformMap(k, v, k == "app", v + "!")', { app: 'x!' }],
  ['["a", "b"].transformMapEntry(i, v, {v: i})', { a: 0n, b: 1n }],
  ['self.labels.exists(k, v, k == "app" && v == "x")', true],
  ['cel.bind(x, self.replicas * 2, x + x)', 12n],
  ['quantity("1Gi").isGreaterThan(quantity("1000Mi"))', true],
  ['quantity("50k").add(20).sub(quantity("20")) == quantity("50000")', true],
  ['isQuantity("1.3Gi") && !isQuantity("two")', true],
  ['quantity("500m").asApproximateFloat()', 0.5],
  ['ip("::1").isLoopback() && ip("192.168.0.1").family() == 4', true],
  ['string(ip("2001:db8:0:0:1:0:0:1"))', '2001:db8::1:0:0:1'],
  ['ip.isCanonical("2001:DB8::1") || isIP("1.2.3.256")', false],
  ['cidr("10.0.0.0/8").containsIP("10.1.2.3") && !cidr("10.0.0.0/8").containsIP(ip("11.1.2.3"))', true],
  ['cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16")', true],
  ['string(cidr("10.1.2.3/8").masked()) + string(cidr("::/0").prefixLength())', '10.0.0.0/80'],
  ['type(ip("1.1.1.1")) == net.IP', true],
  ['url("https://user@example.com:80/a%20b?k=1&k=2").getHost()', 'example.com:80'],
  ['url("/path?k=1&k=2").getQuery()["k"]', ['1', '2']],
  ['isURL("../relative")', false],
  ['format.dns1123Label().validate("good").hasValue()', false],
  ['format.named("dns1123Label").value().validate("Bad_One").value().size() > 0', true],
  ['format.named("nothing").hasValue()', false],
  ['sets.contains([1, 2, 3], [2]) && sets.equivalent([1, 1], [1]) && !sets.intersects([1], [2])', true],
  ['semver("1.2.3").isLessThan(semver("1.10.0-rc.1")) && semver("v1.2", true).patch() == 0', true],
  ['"%s has %d of %.2f, %s".format(["web", 3, 0.5, [1, "a"]])', 'web has 3 of 0.50, [1, a]'],
  ['lists.range(3).map(i, i * 2).slice(1, 3)', [2n, 4n]],
  ['math.greatest(1, 5, 3)', 5n],
  ['type(timestamp("2026-01-02T03:04:05Z")) == google.protobuf.Timestamp', true],
  ['jsonpatch.escapeKey("a/b~c")', 'a~1b~0c'],
])('%s', (text, expected) => {
  expect(compileCel(text, ['self']).evaluate({ self: fromJson(self) })).toEqual(expected)
})

test.each([
  ['self.missing', 'no such key: missing'],
  ['1 / 0', 'division by zero'],
  ['1 + "a"', 'no such overload'],
  ['9223372036854775807 + 1', 'integer overflow'],
  ['self.tags[5]', 'index out of bounds: 5'],
  ['self.missing && true', 'no such key: missing'],
  ['optional.none().value()', 'optional.none() dereference'],
  ['quantity("two")', 'quantities must match the regular expression'],
  ['ip("nowhere")', 'IP Address "nowhere" parse error during conversion from string'],
  ['self.tags.isLoopback()', 'no such overload'],
  // Each of these would take all memory, or all day.
  [`["${'x'.repeat(1000)}"]${'.map(s, s + s)'.repeat(40)}`, 'operation cancelled: actual cost limit exceeded'],
  [
    `"${'a'.repeat(9000)}".replace("", "${'b'.repeat(9000)}").replace("", "${'b'.repeat(9000)}")`,
    'operation cancelled: actual cost limit exceeded',
  ],
  [`"${'ab'.repeat(5000)}".matches("[a-c]{1,1000}[d-f]{1,1000}")`, 'operation cancelled: actual cost limit exceeded'],
  [`int("${'1'.repeat(100_000)}") > 0`, 'integer overflow'],
  ['lists.range(100000000).size() > 0', 'operation cancelled: actual cost limit exceeded'],
  ['[[1,2,3]].map(l, l + l + l + l)'.replace(/$/, '.map(l, l + l + l + l)'.repeat(20)), 'actual cost limit exceeded'],
  // An error on one side is forgiven; that everything has been spent is not.
  ['lists.range(90000).map(a, lists.range(90000)).size() > 0 || true', 'operation cancelled: actual cost limit exceeded'],
  [
    '[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, a+b+c+d+e+f > 0))))))',
    'operation cancelled: actual cost limit exceeded',
  ],
])('%s fails: %s', (text, message) => {
  expect(() => compileCel(text, ['self']).evaluate({ self: fromJson(self) })).toThrow(message)
})

test.each([
  ['self.', 'Syntax error'],
  ['1 +', 'Syntax error'],
  ['other.x', "undeclared reference to 'other' (in container '')"],
  ['self.name.explode()', "undeclared reference to 'explode' (in container '')"],
  ['constructor()', "undeclared reference to 'constructor' (in container '')"],
  ['"a', 'Syntax error: token recognition error'],
])('%s is no expression: %s', (text, message) => {
  expect(() => compileCel(text, ['self'])).toThrow(message)
})

test.each([
  ['many signs', '!'.repeat(50_000) + 'true'],
  ['a long sum', Array.from({ length: 50_000 }, () => '1').join('+')],
  ['deep brackets', '['.repeat(50_000)],
])('%s are refused, and harm nobody', (_what, text) => {
  expect(() => compileCel(text, []).evaluate({})).toThrow(/recursion limit exceeded|cost limit/)
})

test('an error shows its place in the text', () => {
  const text = 'self.a &&\n  other.b'
  try {
    compileCel(text, ['self'])
    expect.unreachable()
  } catch (error) {
    expect(describeError(text, error as CelError)).toBe(
      "ERROR: <input>:2:3: undeclared reference to 'other' (in container '')\n |   other.b\n | ..^",
    )
  }
})

test.each([
  ['self.a == 1', 'bool'],
  ['"a" + self.b', 'string'],
  ['self.a', 'dyn'],
  ['self.list.all(x, x)', 'bool'],
  ['self.a ? 1 : 2', 'int'],
])('%s is known to be %s', (text, type) => {
  expect(compileCel(text, ['self']).type).toBe(type)
})

test('a type can be written where it is offered, and nowhere else', () => {
  const text = 'Object{spec: Object.spec{replicas: 3, ?x: optional.none()}}'
  expect(compileCel(text, [], { types: ['Object'] }).evaluate({})).toEqual({ spec: { replicas: 3n } })
  expect(() => compileCel(text, [])).toThrow("undeclared reference to 'Object' (in container '')")
})

test('a variable with known members has no others', () => {
  expect(() => compileCel('variables.b', ['variables'], { members: { variables: ['a'] } })).toThrow("undefined field 'b'")
})

test('a program knows which variables it names', () => {
  expect([...compileCel('self.a == oldSelf.a', ['self', 'oldSelf']).uses]).toEqual(['self', 'oldSelf'])
})
