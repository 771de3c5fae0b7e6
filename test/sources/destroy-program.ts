import { isRefusal } from '../../src/core/refusal.ts';
import { openApp } from './engine-world.ts';
import { destroy } from './orders.ts';

// Destroys one batch and ends: what the conformance tests kill. SOURCES: what sources.yaml says; APP: where the source is.
const app = openApp(process.env.SOURCES ?? '', process.env.APP ?? '');
const result = await destroy(app, JSON.parse(process.env.ORDER ?? '{}'));
if (isRefusal(result)) throw new Error(result.detail);
await app.close();
