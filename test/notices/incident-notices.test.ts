import { describe, expect, it } from 'vitest';
import {
  categoryInWords,
  type IncidentNoticeFacts,
  writeAuthorityNotice,
  writePersonsNotice,
} from '../../src/notices/incident-notices.ts';

const bare: IncidentNoticeFacts = {
  organization: 'Kinfolk, Inc.',
  address: ['1 Example Street', 'Portland, OR 97204'],
  contact: { name: 'Privacy team', email: 'privacy@example.com', phone: null },
  reference: 'B-AAAA-BBBB',
  awareAt: '27 November 2026, 01:30 (-08:00)',
  nature: '',
  consequences: '',
  measures: '',
  advice: '',
  people: null,
  records: null,
  categories: [],
  uncounted: [],
  lateBecause: null,
  isLate: false,
};
const full: IncidentNoticeFacts = {
  ...bare,
  contact: { ...bare.contact, phone: '+1 503 555 0110' },
  nature: 'A folder lay open.',
  consequences: 'Strangers may have read messages.',
  measures: 'It was closed.',
  advice: 'Be careful with strangers.',
  people: 1,
  records: 1200,
  categories: [
    { category: categoryInWords('communication.content'), count: 1200 },
    { category: categoryInWords('contact.email'), count: 1 },
    { category: categoryInWords('health.blood_group'), count: 0 },
  ],
};

describe('the notice of a breach', () => {
  it('to the authority has all that GDPR art. 33(3) asks for', () => {
    expect(writeAuthorityNotice(full)).toBe(`Notification of a personal data breach (GDPR art. 33)
Reference: B-AAAA-BBBB

Controller: Kinfolk, Inc., 1 Example Street, Portland, OR 97204

We became aware of it on 27 November 2026, 01:30 (-08:00).

1. Nature of the breach (art. 33(3)(a))
A folder lay open.

People concerned: about 1 person.
Records concerned: about 1,200 records.
Categories of data, by records (a record may hold several):
- what was written in messages: about 1,200 records
- e-mail addresses: about 1 record

2. Contact for more information (art. 33(3)(b))
Privacy team, privacy@example.com, +1 503 555 0110

3. Likely consequences (art. 33(3)(c))
Strangers may have read messages.

4. Measures taken or proposed (art. 33(3)(d))
It was closed.
`);
  });

  it('says of everything that is missing that it is not known yet, and invents nothing', () => {
    const authority = writeAuthorityNotice({ ...bare, uncounted: ['logs.access'] });
    expect(authority.match(/\[Not known yet: /g)).toHaveLength(6);
    expect(authority).toContain('Not counted yet: logs.access.');
    expect(authority).toContain('will follow in phases without further delay (art. 33(4))');
    for (const text of [authority, writePersonsNotice(bare), writePersonsNotice(full)])
      expect(text).not.toMatch(/undefined|null|NaN|\[object| {2}|,\.|\n{3}/);
  });

  it('that is late gives the reason, or says that one is missing', () => {
    const late = { ...full, isLate: true };
    expect(writeAuthorityNotice({ ...late, lateBecause: 'it was overlooked' })).toContain('because it was overlooked.');
    expect(writeAuthorityNotice(late)).toContain('because [Not known yet: the reasons for the delay].');
  });

  it('to people is in plain words: no article, no code, no count of records', () => {
    const letter = writePersonsNotice(full);
    for (const part of ['What happened', 'What it may mean for you', 'What you can do', 'privacy@example.com'])
      expect(letter).toContain(part);
    expect(letter).not.toMatch(/GDPR|art\.|1,200|_|communication\./);
    expect(categoryInWords('health.blood_group')).toBe('health, blood group');
    expect(categoryInWords('__proto__')).not.toBe('');
  });
});
