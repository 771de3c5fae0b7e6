import type { LineUnit } from './data-map.ts';

/**
 * When a log line was written, read out of its bytes. Every format but JSON is a pattern of plain steps that never goes
 * back over what it has read, so that no line, whoever wrote it, takes longer than it is long.
 */

/** Reads a line's time. @returns milliseconds since 1970, parts of one dropped; NaN where it has no readable time */
export type LineTimer = (bytes: Buffer, start: number, end: number) => number;

/** A time is looked for in so many bytes of a line. */
const headBytes = 64 * 1024;

/** What a step reads: see `directives`. */
type Field = 'Y' | 'm' | 'b' | 'd' | 'H' | 'M' | 'S' | 'f' | 'z' | 's' | 'n';
type Step = { readonly field: Field } | { readonly byte: number };

/** `segments`: the steps between one `*` and the next. The first stands where the line begins. */
interface TimePattern {
  readonly segments: readonly (readonly Step[])[];
  readonly hasYear: boolean;
}

/** The directives of a pattern, as strptime(3) names them; %f and %n are ours. */
const directives: Readonly<Record<string, Field>> = {
  Y: 'Y',
  m: 'm',
  b: 'b',
  d: 'd',
  e: 'd',
  H: 'H',
  M: 'M',
  S: 'S',
  f: 'f',
  z: 'z',
  s: 's',
  n: 'n',
};

/** @returns the pattern, or what is wrong with it in a sentence that says what to write */
export function compileTimePattern(text: string): TimePattern | string {
  const segments: Step[][] = [[]];
  const fields: Field[] = [];
  const add = (step: Step) => void segments.at(-1)?.push(step);
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at);
    if (sign === '*') segments.push([]);
    else if (sign !== '%') for (const byte of Buffer.from(sign)) add({ byte });
    else {
      at += 1;
      const letter = text.charAt(at);
      const field = Object.hasOwn(directives, letter) ? directives[letter] : undefined;
      if (letter === '%') add({ byte: 0x25 });
      else if (letter === 'F' || letter === 'T')
        return `%${letter} is not known. Write ${letter === 'F' ? '%Y-%m-%d' : '%H:%M:%S'} for it.`;
      else if (field === undefined) return `%${letter} is not known. ${knownDirectives}`;
      else {
        if (field !== 'n' && fields.includes(field)) return `%${letter} stands in it twice. Write * for the other.`;
        fields.push(field);
        add({ field });
      }
    }
  }
  if (segments.length > 1 && segments.at(-1)?.length === 0) segments.pop();
  if (segments.slice(1).some((steps) => steps.length === 0)) return 'Two * stand side by side. Write one.';
  const has = (field: Field) => fields.includes(field);
  const isDate = (has('m') || has('b')) && has('d') && has('H') && has('M');
  if (has('m') && has('b')) return 'The month stands in it twice. Keep %m or %b.';
  if (!has('s') && !isDate) return `It names no time. ${knownDirectives}`;
  return { segments, hasYear: has('Y') || has('s') };
}

const knownDirectives =
  'Write %Y-%m-%d or %d/%b/%Y with %H:%M:%S, %f for a fraction, %z for an offset, or %s for seconds since 1970.';

const access = ['*[%d/%b/%Y:%H:%M:%S %z] "'];
const isoStamps = ['T', ' '].flatMap((between) =>
  ['%z', ' %z', ''].map((offset) => `%Y-%m-%d${between}%H:%M:%S%f${offset}`),
);

/**
 * The formats' patterns, tried in this order.
 * - common, combined: Apache's and nginx's. The bracket has to be followed by the request's quote, which no user name
 *   can hold unescaped: a name such as `[01/Jan/2000:00:00:00 +0000]` says nothing.
 * - rfc5424: the header of RFC 5424 section 6, with its priority or, as rsyslog writes files, without.
 * - rfc3164: the header of RFC 3164 section 4.1.2, the same.
 */
const patterns: Readonly<Record<Exclude<LineUnit['format'], 'json' | 'pattern'>, readonly string[]>> = {
  common: access,
  combined: access,
  rfc5424: ['%Y-%m-%dT%H:%M:%S%f%z ', '<%n>%n %Y-%m-%dT%H:%M:%S%f%z '],
  rfc3164: ['%b %d %H:%M:%S ', '<%n>%b %d %H:%M:%S '],
};

/**
 * A reader of lines' times.
 * @param notAfter what no line of the file can be later than, in milliseconds: a line without a year is of the last
 *   year in which it is not later. NaN where that is not known: then such a line has no readable time
 */
export function lineTimer(unit: LineUnit, notAfter: number): LineTimer {
  const offsetOf = zoneOffsets(unit.zone);
  if (unit.format === 'json') return jsonTimer(unit.timeField ?? 'time', offsetOf);
  const texts = unit.format === 'pattern' ? [unit.pattern ?? ''] : patterns[unit.format];
  const timers = texts.map((text) => patternTimer(compiled(text), offsetOf, notAfter));
  return (bytes, start, end) => {
    for (const timer of timers) {
      const at = timer(bytes, start, end).time;
      if (!Number.isNaN(at)) return at;
    }
    return Number.NaN;
  };
}

function compiled(text: string): TimePattern {
  const pattern = compileTimePattern(text);
  if (typeof pattern === 'string') throw new Error(`time pattern "${text}": ${pattern}`);
  return pattern;
}

/** What a pattern has read so far. */
interface Reading {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  millisecond: number;
  offsetMinutes: number | null;
  epochSeconds: number | null;
}

type OffsetOf = (localMs: number) => number;

/** @returns the time and where the pattern ended */
function patternTimer(pattern: TimePattern, offsetOf: OffsetOf, notAfter: number) {
  const reading: Reading = {
    year: 0,
    month: 1,
    day: 1,
    hour: 0,
    minute: 0,
    second: 0,
    millisecond: 0,
    offsetMinutes: null,
    epochSeconds: null,
  };
  return (bytes: Buffer, start: number, lineEnd: number): { time: number; end: number } => {
    const end = Math.min(lineEnd, start + headBytes);
    reading.millisecond = 0;
    reading.second = 0;
    reading.offsetMinutes = null;
    reading.epochSeconds = null;
    let at = start;
    for (const [index, steps] of pattern.segments.entries()) {
      at = index === 0 ? readSteps(steps, bytes, at, end, reading) : findSteps(steps, bytes, at, end, reading);
      if (at < 0) return { time: Number.NaN, end: -1 };
    }
    return { time: pattern.hasYear ? timeOf(reading, offsetOf) : yearless(reading, offsetOf, notAfter), end: at };
  };
}

/** The first place from `at` on where the steps fit. @returns where they end, or -1 */
function findSteps(steps: readonly Step[], bytes: Buffer, at: number, end: number, into: Reading): number {
  const [first] = steps;
  for (let from = at; from < end; from++) {
    if (first && 'byte' in first) {
      from = bytes.indexOf(first.byte, from);
      if (from < 0 || from >= end) return -1;
    }
    const after = readSteps(steps, bytes, from, end, into);
    if (after >= 0) return after;
  }
  return -1;
}

function readSteps(steps: readonly Step[], bytes: Buffer, start: number, end: number, into: Reading): number {
  let at = start;
  for (const step of steps) {
    if ('byte' in step) {
      if (at >= end || bytes[at] !== step.byte) return -1;
      at += 1;
    } else {
      at = readField(step.field, bytes, at, end, into);
      if (at < 0) return -1;
    }
  }
  return at;
}

const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39;

/** So many digits at a place, or -1. */
function digits(bytes: Buffer, at: number, end: number, count: number): number {
  if (at + count > end) return -1;
  let value = 0;
  for (let index = at; index < at + count; index++) {
    if (!isDigit(bytes[index])) return -1;
    value = value * 10 + (bytes[index] ?? 0) - 0x30;
  }
  return value;
}

/** How many digits stand at a place, `most` at most. */
function digitsAt(bytes: Buffer, at: number, end: number, most: number): number {
  let count = 0;
  while (count < most && at + count < end && isDigit(bytes[at + count])) count += 1;
  return count;
}

const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** @returns where the field ends, or -1 where there is none */
function readField(field: Field, bytes: Buffer, at: number, end: number, into: Reading): number {
  switch (field) {
    case 'Y':
      into.year = digits(bytes, at, end, 4);
      return into.year < 1000 ? -1 : at + 4;
    case 'm':
      into.month = digits(bytes, at, end, 2);
      return into.month < 1 || into.month > 12 ? -1 : at + 2;
    case 'b':
      into.month = at + 3 > end ? 0 : monthNames.indexOf(bytes.toString('latin1', at, at + 3)) + 1;
      return into.month < 1 ? -1 : at + 3;
    case 'd': {
      // Two digits, a blank and one, or one: syslog writes " 7".
      const from = bytes[at] === 0x20 ? at + 1 : at;
      const count = digitsAt(bytes, from, end, from > at ? 1 : 2);
      into.day = count === 0 ? 0 : digits(bytes, from, end, count);
      return into.day < 1 || into.day > 31 ? -1 : from + count;
    }
    case 'H':
      into.hour = digits(bytes, at, end, 2);
      return into.hour < 0 || into.hour > 23 ? -1 : at + 2;
    case 'M':
      into.minute = digits(bytes, at, end, 2);
      return into.minute < 0 || into.minute > 59 ? -1 : at + 2;
    case 'S':
      into.second = digits(bytes, at, end, 2);
      return into.second < 0 || into.second > 60 ? -1 : at + 2;
    case 'f': {
      // Optional: a dot or comma and digits.
      into.millisecond = 0;
      if (at >= end || (bytes[at] !== 0x2e && bytes[at] !== 0x2c)) return at;
      const count = digitsAt(bytes, at + 1, end, 12);
      if (count === 0) return at;
      const kept = Math.min(3, count);
      into.millisecond = digits(bytes, at + 1, end, kept) * 10 ** (3 - kept);
      return at + 1 + count;
    }
    case 'z':
      return readOffset(bytes, at, end, into);
    case 's': {
      // Not out of the middle of a number.
      if (isDigit(bytes[at - 1])) return -1;
      const count = digitsAt(bytes, at, end, 11);
      if (count < 9 || digitsAt(bytes, at, end, 12) > 11) return -1;
      into.epochSeconds = digits(bytes, at, end, count);
      return at + count;
    }
    case 'n': {
      const count = digitsAt(bytes, at, end, 20);
      return count === 0 ? -1 : at + count;
    }
  }
}

/** `Z`, `+02:00`, `+0200` or `+02`. */
function readOffset(bytes: Buffer, at: number, end: number, into: Reading): number {
  const sign = at < end ? bytes[at] : undefined;
  if (sign === 0x5a) {
    into.offsetMinutes = 0;
    return at + 1;
  }
  if (sign !== 0x2b && sign !== 0x2d) return -1;
  const hours = digits(bytes, at + 1, end, 2);
  if (hours < 0 || hours > 18) return -1;
  const after = at + 3;
  const from = bytes[after] === 0x3a ? after + 1 : after;
  const minutes = digits(bytes, from, end, 2);
  into.offsetMinutes = (sign === 0x2d ? -1 : 1) * (hours * 60 + Math.max(0, minutes));
  if (minutes > 59) return -1;
  return minutes < 0 ? after : from + 2;
}

const msPerDay = 86_400_000;

function timeOf(reading: Reading, offsetOf: OffsetOf, year = reading.year): number {
  const { epochSeconds, month, day, hour, minute, second, millisecond, offsetMinutes } = reading;
  if (epochSeconds !== null) return epochSeconds * 1000 + millisecond;
  if (day > 28 && day > daysIn(year, month)) return Number.NaN;
  // The 61st second of a leap second is said to be the 60th: POSIX time has none.
  const local = Date.UTC(year, month - 1, day, hour, minute, Math.min(second, 59), millisecond);
  return local - (offsetMinutes === null ? offsetOf(local) : offsetMinutes * 60_000);
}

function daysIn(year: number, month: number): number {
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/**
 * The time of a line without a year: the last one in which it is not later than the file. A day of grace, for clocks
 * and zones that are a little off, or the newest lines would be a year old; what is within it counts as the file's end.
 */
function yearless(reading: Reading, offsetOf: OffsetOf, notAfter: number): number {
  if (Number.isNaN(notAfter)) return Number.NaN;
  const last = yearOf(notAfter + msPerDay);
  // Eight years back at most: 29 February stands eight years apart where a century is no leap year.
  for (let year = last; year >= last - 8; year--) {
    const at = timeOf(reading, offsetOf, year);
    if (at <= notAfter + msPerDay) return Math.min(at, notAfter);
  }
  return Number.NaN;
}

function yearOf(ms: number): number {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO('UTC').year;
}

/** Milliseconds a zone is ahead of UTC at a local time; of two readings in autumn the later, which keeps a line longer. */
function zoneOffsets(zone: string): OffsetOf {
  if (zone === 'UTC') return () => 0;
  const known = new Map<number, number>();
  return (localMs) => {
    const minute = Math.floor(localMs / 60_000);
    const found = known.get(minute);
    if (found !== undefined) return found;
    const local = Temporal.Instant.fromEpochMilliseconds(minute * 60_000)
      .toZonedDateTimeISO('UTC')
      .toPlainDateTime();
    const there = local.toZonedDateTime(zone, { disambiguation: 'later' });
    const offset = minute * 60_000 - there.epochMilliseconds;
    if (known.size > 10_000) known.clear();
    known.set(minute, offset);
    return offset;
  };
}

/** Times in JSON: the field by its name, or by a path with dots; ISO 8601, or a number since 1970 in s, ms, µs or ns. */
function jsonTimer(field: string, offsetOf: OffsetOf): LineTimer {
  const stamps = isoStamps.map((text) => patternTimer(compiled(text), offsetOf, 0));
  const isoTime = (text: string): number => {
    const bytes = Buffer.from(text);
    for (const stamp of stamps) {
      const read = stamp(bytes, 0, bytes.length);
      if (read.end === bytes.length) return read.time;
    }
    return Number.NaN;
  };
  return (bytes, start, end) => {
    if (bytes[start] !== 0x7b) return Number.NaN;
    const value = fieldOf(parsed(bytes.toString('utf8', start, end)), field);
    if (typeof value === 'number') return epochTime(value);
    if (typeof value !== 'string' || value.length > 64) return Number.NaN;
    return /^\d{9,19}(\.\d{1,9})?$/.test(value) ? epochTime(Number(value)) : isoTime(value);
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function fieldOf(value: unknown, field: string): unknown {
  const member = (of: unknown, name: string): unknown =>
    typeof of === 'object' && of !== null && Object.hasOwn(of, name) ? Reflect.get(of, name) : undefined;
  return member(value, field) ?? field.split('.').reduce(member, value);
}

/** The unit shows in the size: 1e11 seconds are the year 5138, 1e11 milliseconds are 1973. */
function epochTime(value: number): number {
  if (!(value >= 1e8)) return Number.NaN;
  const toMs = value < 1e11 ? 1000 : value < 1e14 ? 1 : value < 1e17 ? 1e-3 : 1e-6;
  return Math.floor(value * toMs);
}
