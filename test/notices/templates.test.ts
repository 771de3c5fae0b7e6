import { describe, expect, it } from 'vitest';
import { noticeTemplates, writeNotice } from '../../src/notices/templates.ts';
import { groundCodes, groundInWords, readGround } from '../../src/requests/grounds.ts';

const facts = {
  organization: 'Kinfolk, Inc.',
  privacyContact: 'privacy@example.com',
  reference: 'R-AAAA-BBBB',
  asked: 'the deletion of your data',
  dueOn: '27 December 2026',
  statusUrl: 'https://privacy.example.com/status?reference=R-AAAA-BBBB',
  code: '12345678',
  codeMinutes: 30,
  packageUrl: 'https://privacy.example.com/package/x',
  packageUntil: '11 December 2026',
  receipt: { destroyed: 1, masked: 1200, kept: 2, grounds: groundCodes.map(groundInWords) },
  reason: groundInWords('LEGAL_CLAIMS'),
};

describe('what people are told', () => {
  it('has no code, no empty place and no dangling end, with all the facts and with none that may be missing', () => {
    const bare = { ...facts, dueOn: null, receipt: undefined, reason: undefined };
    for (const template of noticeTemplates)
      for (const given of [facts, bare as unknown as typeof facts]) {
        const { subject, text } = writeNotice(template, given);
        const said = `${subject}\n${text}`.replaceAll(facts.reference, 'R').replaceAll(/https:\S+/g, 'it.');
        expect(said, template).not.toMatch(/[A-Z]{2,}_|undefined|null|NaN|\[object| {2}| \.|: \.|\(\)|,\./);
      }
  });

  it('counts in words a person uses', () => {
    expect(writeNotice('erasure-receipt', facts).text).toContain(
      'We have deleted one record and removed what names you from 1,200 records.',
    );
  });
});

describe('grounds', () => {
  it('are read in any case, and nothing else is one', () => {
    for (const code of groundCodes) expect(readGround(` ${code.toLowerCase()} `)).toBe(code);
    for (const other of ['', 'Jill asked for it', '__proto__', 'toString', 'LEGAL'])
      expect(readGround(other)).toBeNull();
  });
});
