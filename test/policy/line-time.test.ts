import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LineUnit } from '../../src/policy/data-map.ts';
import { compileTimePattern, lineTimer } from '../../src/policy/line-time.ts';

const plain: LineUnit = {
  format: 'combined',
  timeField: null,
  pattern: null,
  zone: 'UTC',
  restMinutes: 10,
  continuation: false,
  current: { kind: 'none' },
};
const written = Date.UTC(2026, 0, 10, 12);

/** When a line was written, as the unit reads it; null where it has no readable time. */
function timeOf(line: string, unit: Partial<LineUnit>, notAfter = written): string | null {
  const bytes = Buffer.from(`before\n${line}\nafter`);
  const at = lineTimer({ ...plain, ...unit }, notAfter)(bytes, 7, bytes.length - 5);
  return Number.isNaN(at) ? null : Temporal.Instant.fromEpochMilliseconds(at).toString();
}

describe('the time of a log line', () => {
  it.each([
    ['common', '192.0.2.1 - ada [10/Oct/2020:13:55:36 -0700] "GET / HTTP/1.0" 200 2326', '2020-10-10T20:55:36Z'],
    ['combined', '::1 - - [29/Feb/2020:00:00:00 +0000] "-" 408 0 "-" "-"', '2020-02-29T00:00:00Z'],
    ['combined', '::1 - [01/Jan/2000:00:00:00 +0000] [29/Feb/2020:00:00:00 +0000] "-" 408 0', '2020-02-29T00:00:00Z'],
    ['combined', '::1 - - [30/Feb/2020:00:00:00 +0000] "-" 408 0', null],
    ['combined', '::1 - - [29/Feb/2021:00:00:00 +0000] "-" 408 0', null],
    ['combined', '::1 - - [01/Mrz/2020:00:00:00 +0000] "-" 408 0', null],
    ['combined', '::1 - - [01/Mar/2020:24:00:00 +0000] "-" 408 0', null],
    ['combined', '', null],
    ['rfc5424', '<34>1 2003-10-11T22:14:15.003Z host su - ID47 - failed', '2003-10-11T22:14:15.003Z'],
    ['rfc5424', '<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 p 8710 - - x', '2003-08-24T12:14:15Z'],
    ['rfc5424', '2026-01-02T03:04:05.678901+01:00 host app[1]: x', '2026-01-02T02:04:05.678Z'],
    ['rfc5424', '2016-12-31T23:59:60Z host app: a leap second', '2016-12-31T23:59:59Z'],
    ['rfc5424', 'no time at all', null],
    ['rfc3164', '<34>Oct 11 22:14:15 mymachine su: failed', '2025-10-11T22:14:15Z'],
    ['rfc3164', 'Jan  9 01:02:03 host cron[1]: x', '2026-01-09T01:02:03Z'],
    ['rfc3164', 'Jan 10 12:00:00 host cron[1]: the very end', '2026-01-10T12:00:00Z'],
    ['rfc3164', 'Jan 11 01:00:00 host cron[1]: a clock ahead by hours', '2026-01-10T12:00:00Z'],
    ['rfc3164', 'Jan 12 01:00:00 host cron[1]: last year', '2025-01-12T01:00:00Z'],
    ['rfc3164', 'Feb 29 01:00:00 host cron[1]: the last leap year', '2024-02-29T01:00:00Z'],
    ['rfc3164', 'Feb 30 01:00:00 host cron[1]: never', null],
  ] as const)('%s: %s', (format, line, at) => {
    expect(timeOf(line, { format })).toBe(at);
  });

  it.each([
    ['time', '{"time":"2020-01-02T03:04:05.678Z","msg":"x"}', '2020-01-02T03:04:05.678Z'],
    ['time', '{"msg":"x","time":"2020-01-02 03:04:05+02:00"}', '2020-01-02T01:04:05Z'],
    ['time', '{"time":1577934245678}', '2020-01-02T03:04:05.678Z'],
    ['ts', '{"ts":1577934245.678}', '2020-01-02T03:04:05.678Z'],
    ['ts', '{"ts":"1577934245"}', '2020-01-02T03:04:05Z'],
    ['ts', '{"ts":1577934245678901234}', '2020-01-02T03:04:05.678Z'],
    ['@timestamp', '{"@timestamp":"2020-01-02T03:04:05Z"}', '2020-01-02T03:04:05Z'],
    ['a.b', '{"a":{"b":"2020-01-02T03:04:05Z"}}', '2020-01-02T03:04:05Z'],
    ['a.b', '{"a.b":"2020-01-02T03:04:05Z"}', '2020-01-02T03:04:05Z'],
    ['time', '{"time":"yesterday"}', null],
    ['time', '{"time":12}', null],
    ['time', '{"time":"2020-01-02T03:04:05Z and more"}', null],
    ['constructor', '{"msg":"x"}', null],
    ['time', '{"time":"2020-01-02T03:04:05Z"', null],
    ['time', '["2020-01-02T03:04:05Z"]', null],
  ] as const)('in JSON, %s: %s', (timeField, line, at) => {
    expect(timeOf(line, { format: 'json', timeField })).toBe(at);
  });

  it.each([
    ['%Y-%m-%d %H:%M:%S', '2020-01-02 03:04:05 INFO x', '2020-01-02T03:04:05Z'],
    ['%Y-%m-%d %H:%M:%S%f', '2020-01-02 03:04:05,678 [main] x', '2020-01-02T03:04:05.678Z'],
    ['*[%d/%b/%Y:%H:%M:%S %z]', 'vhost - [02/Jan/2020:03:04:05 +0100] x', '2020-01-02T02:04:05Z'],
    ['[%s]', '[1577934245] x', '2020-01-02T03:04:05Z'],
    ['%n: 100%% %s%f', '7: 100% 1577934245.678 x', '2020-01-02T03:04:05.678Z'],
    ['%Y-%m-%d %H:%M', ' 2020-01-02 03:04 the line has to begin so', null],
  ] as const)('by the pattern %s: %s', (pattern, line, at) => {
    expect(timeOf(line, { format: 'pattern', pattern })).toBe(at);
  });

  it('without an offset it is of the zone that is named, and of two readings the later', () => {
    const berlin = { format: 'pattern', pattern: '%Y-%m-%d %H:%M:%S', zone: 'Europe/Berlin' } as const;
    expect(timeOf('2020-07-01 12:00:00', berlin)).toBe('2020-07-01T10:00:00Z');
    expect(timeOf('2020-10-25 02:30:00', berlin)).toBe('2020-10-25T01:30:00Z');
  });

  it('without a year is none in a file that has lost its own time', () => {
    expect(timeOf('Jan  9 01:02:03 host x', { format: 'rfc3164' }, Number.NaN)).toBeNull();
  });

  it.each([
    ['%Q', '%Q is not known'],
    ['%T', 'Write %H:%M:%S'],
    ['%Y-%m-%d', 'names no time'],
    ['no directive', 'names no time'],
    ['%H:%M %d %m %d', '%d stands in it twice'],
    ['%d %b %m %H:%M', 'month stands in it twice'],
    ['**%s', 'side by side'],
    ['%s %', 'is not known'],
  ])('a pattern %s is refused', (pattern, why) => {
    expect(compileTimePattern(pattern)).toContain(why);
  });

  it('is read in time that grows with the line and no faster, whatever the line is', () => {
    const hostile = ['[01/Jan/2020:', '[', '2', '<1', '{"time":', '%', 'Jan  1 00:00:'].map((text) =>
      text.repeat(200_000 / text.length),
    );
    const units: Partial<LineUnit>[] = [
      { format: 'combined' },
      { format: 'rfc5424' },
      { format: 'rfc3164' },
      { format: 'json', timeField: 'time' },
      { format: 'pattern', pattern: '*[%d/*%b/*%Y:*%H:*%M:%S %z]' },
      { format: 'pattern', pattern: `${'*%n'.repeat(40)}*%s` },
    ];
    // All of it takes some 50 ms; a search that goes back and forth would never come to an end.
    for (const unit of units) for (const line of hostile) expect(timeOf(line, unit)).toBeNull();
  });

  it('of every instant is that instant, in every format', () => {
    const days = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(1990), max: Date.UTC(2099) }), (ms) => {
        const seconds = Math.floor(ms / 1000) * 1000;
        const iso = new Date(ms).toISOString();
        const [, y, mo, d, time] = /^(\d+)-(\d+)-(\d+)T([\d:]+)/.exec(iso) ?? [];
        const access = `::1 - - [${d}/${days[Number(mo) - 1]}/${y}:${time} +0000] "GET" 1 2`;
        expect(timeOf(access, {})).toBe(Temporal.Instant.fromEpochMilliseconds(seconds).toString());
        expect(timeOf(`<1>1 ${iso} h a - - -`, { format: 'rfc5424' })).toBe(
          Temporal.Instant.fromEpochMilliseconds(ms).toString(),
        );
        expect(timeOf(JSON.stringify({ time: iso }), { format: 'json', timeField: 'time' })).toBe(
          Temporal.Instant.fromEpochMilliseconds(ms).toString(),
        );
      }),
      { numRuns: 200 },
    );
  });
});
