import { describe, expect, it } from 'vitest';
import { parseEndOfDay, parseInstant, parseLocalTime } from '../../src/core/instants.ts';
import { isRefusal } from '../../src/core/refusal.ts';

const written = (read: ReturnType<typeof parseInstant>) => (isRefusal(read) ? read.code : read.toString());

describe('a time that somebody wrote', () => {
  it('is an instant of the years 1 to 9999, in four digits and with an offset', () => {
    expect(written(parseInstant('2026-11-27T09:30:00.1239+02:00'))).toBe('2026-11-27T07:30:00.123Z');
    expect(written(parseInstant('0001-01-01T00:00:00Z'))).toBe('0001-01-01T00:00:00Z');
    for (const text of [
      '0001-01-01T00:00:00+14:00',
      '9999-12-31T23:59:59-12:00',
      '0000-06-01T00:00:00Z',
      '+002026-11-27T09:30:00Z',
      '+012026-11-27T09:30:00Z',
      '2026-11-27T09:30:00',
    ])
      expect(written(parseInstant(text)), text).toBe('time_invalid');
  });

  it('is read in a zone where it exists once there', () => {
    expect(written(parseLocalTime('2026-11-27T09:30', 'Europe/Vilnius'))).toBe('2026-11-27T07:30:00Z');
    for (const text of [
      '2026-03-29T03:30',
      '2026-10-25T03:30',
      '2026-11-27',
      '+002026-11-27T09:30',
      '0000-06-01T00:00',
    ])
      expect(written(parseLocalTime(text, 'Europe/Vilnius')), text).toBe('time_invalid');
    expect(written(parseLocalTime('9999-12-31T23:59', 'America/Los_Angeles'))).toBe('time_invalid');
  });

  it('is over with its day, in a zone', () => {
    expect(written(parseEndOfDay('2026-11-27', 'Europe/Vilnius'))).toBe('2026-11-27T22:00:00Z');
    for (const text of ['2026-02-30', '0000-06-01', '+012026-01-01', '2026-11-27T00:00'])
      expect(written(parseEndOfDay(text, 'Europe/Vilnius')), text).toBe('time_invalid');
    expect(written(parseEndOfDay('9999-12-31', 'America/Los_Angeles'))).toBe('time_invalid');
  });
});
