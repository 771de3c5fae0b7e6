import type { Context } from 'hono';
import { type InputProblem, isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import {
  askCustodians,
  type CustodianOrder,
  custodiansPage,
  releaseCustodian,
  remindCustodian,
} from '../../flows/custodians.ts';
import { type Html, textOf } from '../reply.ts';
import { CustodiansPage } from './custodians.tsx';
import type { Desk, Visit } from './routes.tsx';
import { valuesOf } from './scope-form.ts';

/** Custodians in the console. */
export function addCustodianPages({ app, office, allow, say }: Desk): void {
  const page = async (c: Context, hold: string, values: Readonly<Record<string, string>>, refusal: Refusal | null) => {
    const found = await custodiansPage(office, hold);
    if (isRefusal(found)) return say(c, 'Not found', found, 404);
    const { frame } = c.get('visit') as Visit;
    return c.html(
      (<CustodiansPage frame={frame} {...found} values={values} refusal={refusal} />) as Html,
      refusal ? 422 : 200,
    );
  };
  app.get('/holds/:id/custodians', async (c) => allow(c, 'holds.read') ?? page(c, c.req.param('id'), {}, null));
  app.post('/holds/:id/custodians', async (c) => {
    const refused = allow(c, 'holds.place');
    if (refused) return refused;
    const { id } = c.req.param();
    const form = await c.req.formData();
    const order = readPeople(textOf(form, 'custodians'), textOf(form, 'instructions').trim().slice(0, 5000) || null);
    const asked = isRefusal(order) ? order : await askCustodians(office, c.get('visit').caller.actor, id, order);
    return isRefusal(asked) ? page(c, id, valuesOf(form), asked) : c.redirect(`/console/holds/${id}/custodians`, 303);
  });
  app.post('/custodians/:id/:move{remind|release}', async (c) => {
    const { id, move } = c.req.param();
    const refused = allow(c, 'holds.place');
    if (refused) return refused;
    const { actor } = c.get('visit').caller;
    const done =
      move === 'remind' ? await remindCustodian(office, actor, id) : await releaseCustodian(office, actor, id);
    return isRefusal(done)
      ? say(c, 'Nothing was sent', done, 404)
      : c.redirect(`/console/holds/${done.holdId}/custodians`, 303);
  });
}

const mostPeople = 200;

/** One a line, the address last: "Ada Example, ada@example.com" or "Ada Example <ada@example.com>". */
function readPeople(text: string, instructions: string | null): CustodianOrder | Refusal {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const errors: InputProblem[] = [];
  const people = lines.flatMap((line, i) => {
    const cut = Math.max(line.lastIndexOf(' '), line.lastIndexOf(','), line.lastIndexOf('<')) + 1;
    const email = line.slice(cut).replace(/>$/, '');
    let end = cut;
    while (end > 0 && /[\s,<]/.test(line.charAt(end - 1))) end -= 1;
    const name = line.slice(0, end);
    const isPerson =
      name !== '' &&
      name.length <= 300 &&
      email.length <= 320 &&
      /^[^\s@]+@[^\s@]+$/.test(email) &&
      !/\p{Cc}/u.test(line) &&
      line.isWellFormed();
    if (isPerson) return [{ name, email }];
    const detail = `Line ${i + 1} is not a name and an address. Write "Ada Example, ada@example.com".`;
    errors.push({ pointer: '/custodians', code: 'invalid', detail });
    return [];
  });
  if (errors.length > 0) return refuse('invalid', 'Somebody could not be read. Nobody was asked.', {}, errors);
  if (people.length > 0 && people.length <= mostPeople) return { people, instructions };
  return refuse('invalid', `Write between one and ${mostPeople} people. Nobody was asked.`);
}
