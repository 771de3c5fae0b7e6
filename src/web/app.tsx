// PLACEHOLDER wiring by the lead until the pages land.
import { Hono } from 'hono';
import type { Office } from '../flows/office.ts';

export function webApp(_office: Office, _options: object): Hono {
  const app = new Hono();
  app.get('/', (c) => c.text('pages are coming'));
  return app;
}
