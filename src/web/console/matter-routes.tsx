import type { Context } from 'hono';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import { actorNames } from '../../flows/look-up.ts';
import { closeMatter, lookUpMatter, mattersPage, openMatter, reopenMatter } from '../../flows/matters.ts';
import { type Html, textOf } from '../reply.ts';
import { MatterPage, MattersPage } from './matters.tsx';
import type { Desk, Visit } from './routes.tsx';
import { valuesOf } from './scope-form.ts';

/** Matters in the console. */
export function addMatterPages({ app, office, allow, say }: Desk): void {
  const list = async (c: Context, values: Readonly<Record<string, string>>, refusal: Refusal | null) => {
    const matters = await mattersPage(office, { limit: 200, offset: 0 });
    const { frame } = c.get('visit') as Visit;
    return c.html(
      (<MattersPage frame={frame} matters={matters} values={values} refusal={refusal} />) as Html,
      refusal ? 422 : 200,
    );
  };
  const page = async (c: Context, id: string, refusal: Refusal | null) => {
    const found = await lookUpMatter(office, id);
    if (isRefusal(found)) return say(c, 'Not found', found, 404);
    const { frame } = c.get('visit') as Visit;
    return c.html(
      (<MatterPage frame={frame} {...found} names={await actorNames(office)} refusal={refusal} />) as Html,
      refusal ? 409 : 200,
    );
  };
  app.get('/matters', async (c) => allow(c, 'holds.read') ?? list(c, {}, null));
  app.post('/matters', async (c) => {
    const refused = allow(c, 'holds.place');
    if (refused) return refused;
    const form = await c.req.formData();
    const [name, docket] = [textOf(form, 'name').trim(), textOf(form, 'docket').trim()];
    if (name === '' || name.length > 300 || docket.length > 200) {
      const detail = 'A matter needs a name of at most 300 characters; its docket has at most 200. None was opened.';
      return list(c, valuesOf(form), refuse('invalid', detail, {}, [{ pointer: '/name', code: 'invalid', detail }]));
    }
    const matter = await openMatter(office, c.get('visit').caller.actor, { name, docket: docket || null });
    return isRefusal(matter) ? list(c, valuesOf(form), matter) : c.redirect(`/console/matters/${matter.id}`, 303);
  });
  app.get('/matters/:id', async (c) => allow(c, 'holds.read') ?? page(c, c.req.param('id'), null));
  app.post('/matters/:id/:move{close|reopen}', async (c) => {
    const { id, move } = c.req.param();
    const refused = allow(c, 'holds.place');
    if (refused) return refused;
    const { actor } = c.get('visit').caller;
    const done = move === 'close' ? await closeMatter(office, actor, id) : await reopenMatter(office, actor, id);
    return isRefusal(done) ? page(c, id, done) : c.redirect(`/console/matters/${id}`, 303);
  });
}
