import { describe, expect, it } from 'vitest';
import { fillSlots, nameDays, say } from '../../src/demo/compose.ts';
import { parseTurn } from '../../src/demo/dialogues/dialogue.ts';
import { reyesStory } from '../../src/demo/dialogues/reyes.ts';
import { languageCodes, languages } from '../../src/demo/languages.ts';
import { createPopulation } from '../../src/demo/people.ts';
import { createRandom } from '../../src/demo/random.ts';

const today = Temporal.PlainDate.from('2026-11-27');
const { households } = createPopulation('dialogues', today, 40);

describe('the dialogues', () => {
  it.each(languageCodes)('every turn in %s can be said, with every slot filled', (code) => {
    const household = households.find(({ language }) => language.code === code);
    if (!household) throw new Error(`nobody speaks ${code}`);
    const [child] = household.children;
    if (!child) throw new Error('a family has a child');
    const [a, b] = household.parents;
    const language = languages[code];
    const occasion = { household, language, day: today, minute: 1000, a, b, child, amountCents: 12_000_000 };
    const slots = fillSlots(createRandom('slots'), occasion, nameDays(createRandom('days'), today));
    for (const dialogue of language.dialogues)
      for (const text of dialogue.turns)
        for (const way of parseTurn(text).ways) {
          const said = say(way, slots, a, occasion);
          expect(said).not.toMatch(/[{}]|undefined|\| /);
          expect(said).toBe(said.normalize('NFC'));
        }
  });

  it('a dialogue speaks of money exactly when it leaves an expense behind', () => {
    for (const code of languageCodes)
      for (const dialogue of languages[code].dialogues) {
        const text = dialogue.turns.join('\n');
        if (/\{amount\}|\{half\}/.test(text)) expect(dialogue.expense, text).toBeDefined();
      }
  });

  it('an attachment hangs on a turn that exists, and an event on a day that is named', () => {
    const all = [
      ...languageCodes.flatMap((code) => languages[code].dialogues),
      ...reyesStory.map((scene) => scene.dialogue),
    ];
    for (const dialogue of all) {
      if (dialogue.attach) expect(dialogue.turns[dialogue.attach.turn], dialogue.attach.name).toBeDefined();
      if (dialogue.event?.on === 'saturday') expect(dialogue.turns.join('\n')).toContain('{saturday}');
    }
  });

  it('some of the written story is older than three years, so that there is something to hold', () => {
    const due = reyesStory.filter(({ daysAgo }) => daysAgo > 1100);
    expect(due.flatMap(({ dialogue }) => dialogue.turns).join('\n')).toContain('Half each, medical and dental');
    expect(due.length).toBeGreaterThanOrEqual(3);
  });
});

describe('the people', () => {
  it('are drawn alike from the same seed', () => {
    const again = createPopulation('dialogues', today, 40);
    expect(JSON.stringify(again)).toBe(JSON.stringify({ ...again, households }));
  });

  it('have addresses at example.com and telephone numbers set aside for fiction, none of them twice', () => {
    const everybody = households.flatMap(({ parents, children }) => [...parents, ...children]);
    const emails = everybody.flatMap(({ email }) => email ?? []);
    const phones = everybody.flatMap(({ phone }) => phone ?? []);
    for (const email of emails) expect(email).toMatch(/^[a-z]+\.[a-z]+(\d+)?@example\.com$/);
    for (const phone of phones) expect(phone).toMatch(/^\+1\d{3}55501\d\d$/);
    expect(new Set(emails).size).toBe(emails.length);
    expect(new Set(phones).size).toBe(phones.length);
  });
});
