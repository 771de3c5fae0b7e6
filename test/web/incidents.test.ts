import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '../../src/core/actor.ts';
import { webApp } from '../../src/web/app.tsx';
import { openWorld, type World } from '../invariants/world.ts';
import { type Answer, firstSignIn, newMember, nextCode, type SignedIn } from '../support/staff.ts';

let world: World;
let app: ReturnType<typeof webApp>;
const staff = new Map<string, SignedIn>();

beforeAll(async () => {
  world = await openWorld();
  await world.app.sql`INSERT INTO users VALUES (1, 'a@example.com'), (2, 'b@example.com')`;
  const networks = ['192.0.2.1', '192.0.2.2', '192.0.2.3'];
  app = webApp(world.office, { nextBell: () => null, networkOf: () => networks[staff.size] ?? null, report: () => {} });
  for (const [name, role] of [
    ['rosa', 'privacy'],
    ['ina', 'legal'],
    ['astrid', 'auditor'],
  ] as readonly (readonly [string, Role])[]) {
    const { email } = await newMember(world.office, role, `${name}@example.com`);
    staff.set(name, await firstSignIn(app, email));
  }
});
afterAll(() => world?.[Symbol.asyncDispose]());

const of = (name: string): SignedIn => {
  const one = staff.get(name);
  if (!one) throw new Error(`${name} is not of the staff`);
  return one;
};
const post = (name: string, path: string, form: Record<string, string> = {}): Promise<Answer> =>
  of(name).visitor.post(`/console/incidents${path}`, form);
const get = (name: string, path: string): Promise<Answer> => of(name).visitor.get(`/console/incidents${path}`);
/** As a browser writes a time into a field. */
const written = (hoursAgo: number) =>
  world.clock
    .now()
    .subtract({ hours: hoursAgo })
    .toZonedDateTimeISO(world.office.policy.organization.zone)
    .toPlainDateTime()
    .toString({ smallestUnit: 'minute' });

async function record(form: Record<string, string> = {}): Promise<string> {
  const made = await post('rosa', '/new', { title: 'Lost laptop', awareAt: written(2), ...form });
  expect(made.status, made.text).toBe(303);
  return (made.to ?? '').replace('/console/incidents', '');
}

describe('the pages of an incident', () => {
  it('take a few words and a time at first, and say what is missing', async () => {
    expect((await get('rosa', '')).text).toContain('No breach of personal data is recorded.');
    const without = await post('rosa', '/new', { title: '', awareAt: '', emails: 'nobody@example.com' });
    expect(without.status).toBe(422);
    for (const said of ['Say since when', 'Give it a name', 'nobody@example.com']) expect(without.text).toContain(said);
    const wrong = await post('rosa', '/new', { title: 'x', awareAt: written(2), datasets: 'app.mesages' });
    expect(wrong.text).toContain('app.messages');
    const path = await record();
    const { text } = await get('rosa', path);
    expect(text).toMatch(/(69|70) hours left/);
    for (const said of ['Lost laptop', 'GDPR-33-72H', 'not written yet', 'Assess the risk'])
      expect(text).toContain(said);
    expect(text).not.toContain('The authority was told');
  });

  it('count what it reaches, fill the notices, and escape whatever was written', async () => {
    const path = await record({ datasets: 'app.users', nature: '<script>alert(1)</script> lay open' });
    await post('rosa', `${path}/describe`, {
      title: 'Lost laptop',
      nature: '<b>Open</b> for two days',
      advice: 'Change your password.',
    });
    const { text } = await get('rosa', path);
    for (const said of ['about 2', '&lt;b&gt;Open&lt;/b&gt; for two days', 'Change your password.', 'art. 33(3)(d)'])
      expect(text).toContain(said);
    expect(text).not.toMatch(/<b>Open|<script>alert/);
    await post('rosa', `${path}/count`, { emails: 'a@example.com' });
    expect((await get('rosa', path)).text).toContain('about 1');
    expect((await post('rosa', `${path}/count`, { people: 'many' })).text).toContain('whole number');
  });

  it('ask for the reason of a late notice', async () => {
    const path = await record({ awareAt: written(80) });
    await post('rosa', `${path}/assess`, { risk: 'risk' });
    expect((await get('rosa', path)).text).toContain('8 hours late');
    const without = await post('rosa', `${path}/notify_authority`, { reason: '' });
    expect([without.status, without.text]).toEqual([409, expect.stringContaining('reasons for the delay')]);
    expect((await post('rosa', `${path}/notify_authority`, { reason: 'OVERLOOKED' })).status).toBe(303);
    expect((await get('rosa', path)).text).toContain('Late, because we did not see in time');
    await post('rosa', `${path}/notify_persons`, { notifiedAt: written(0) });
    await post('rosa', `${path}/close`);
    const { text } = await get('rosa', path);
    expect(text).toContain('Something new is known');
    expect(text).not.toContain('Assess it anew');
  });

  it('leave it to somebody else, who proves again that it is them, that nobody need be told', async () => {
    const path = await record();
    await post('rosa', `${path}/assess`, { risk: 'none' });
    expect((await get('rosa', path)).text).toContain('for somebody else to decide');
    const own = await post('rosa', `${path}/waive_authority`, { ground: 'UNLIKELY_RISK' });
    expect([own.status, own.text]).toEqual([409, expect.stringContaining('Someone else must approve it')]);
    expect((await get('ina', path)).text).toContain(`/console/incidents${path}/waive_authority`);
    const page = (await get('ina', `${path}/waive_authority`)).text;
    for (const said of ['Member rosa@example.com', 'a risk to people is unlikely', 'GDPR art. 33(1)'])
      expect(page).toContain(said);
    world.clock.advance('PT30M');
    const asked = await post('ina', `${path}/waive_authority`, { ground: 'UNLIKELY_RISK' });
    expect(asked.to).toBe(`/console/step-up?next=${encodeURIComponent(`/console/incidents${path}/waive_authority`)}`);
    const { visitor, secret } = of('ina');
    const back = await visitor.post('/console/step-up', {
      code: nextCode(secret),
      next: `/console/incidents${path}/waive_authority`,
    });
    expect(back.to).toBe(`/console/incidents${path}/waive_authority`);
    expect((await post('ina', `${path}/waive_authority`, { ground: 'UNLIKELY_RISK' })).status).toBe(303);
    expect((await get('ina', path)).text).toContain('Because a risk to people is unlikely (GDPR art. 33(1))');
    expect((await get('ina', `${path}/waive_authority`)).status).toBe(303);
  });

  it('give the ledger of its time to keep, and nothing to do to who only reads', async () => {
    const path = await record();
    const { status, headers, text } = await get('astrid', `${path}/ledger?from=&to=`);
    expect([status, headers.get('content-type')]).toEqual([200, 'application/jsonl']);
    expect(headers.get('content-disposition')).toMatch(/attachment; filename="ledger-B-.*\.jsonl"/);
    expect(JSON.parse(text.split('\n')[0] ?? '')).toMatchObject({ entries: 'all' });
    expect(text).toContain(path.slice(1));
    expect((await get('astrid', `${path}/ledger?from=yesterday`)).status).toBe(409);
    const seen = (await get('astrid', path)).text;
    expect(seen).toContain('Nothing that your role may do.');
    expect((await post('astrid', `${path}/assess`, { risk: 'none' })).status).toBe(403);
    expect((await get('rosa', '/inc_01jdq4v7m8abcdefghjkmnpqrs')).status).toBe(404);
    expect((await post('rosa', `${path}/forget`)).status).toBe(404);
  });
});
