import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { httpApp } from '../../src/http/app.ts';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { mailboxSources, messagesRetention, policiesFolder } from '../support/policies.ts';

let opened: TestHouse;
beforeAll(async () => {
  opened = await openTestHouse({
    policies: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
    env: { APP: 'postgres://nobody@127.0.0.1:1/nothing' },
  });
});
afterAll(() => opened?.close());

it('a flood of questions whether the service is ready asks each source once', async () => {
  const { office } = opened.house;
  const { app } = httpApp(office, {
    sessionOf: async () => null,
    metrics: async () => '',
    metricsToken: null,
    networkOf: () => null,
    report: () => {},
  });
  const [source] = office.sources.values();
  if (!source) throw new Error('no source');
  const asked = vi.spyOn(source, 'check');
  try {
    const answers = await Promise.all(Array.from({ length: 40 }, async () => app.request('/readyz')));
    // Its source is nowhere to be reached, and each of them is told so.
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    expect(asked).toHaveBeenCalledTimes(1);
  } finally {
    asked.mockRestore();
  }
});

it('a flood of questions which calls there are describes them once', async () => {
  const { app, openApi } = httpApp(opened.house.office, {
    sessionOf: async () => null,
    metrics: async () => '',
    metricsToken: null,
    networkOf: () => null,
    report: () => {},
  });
  const document = openApi();
  const written = vi.spyOn(JSON, 'stringify');
  try {
    const answers = await Promise.all(Array.from({ length: 40 }, async () => app.request('/openapi.json')));
    expect(written.mock.calls).toEqual([[document]]);
    const [text] = new Set(await Promise.all(answers.map((answer) => answer.text())));
    expect(JSON.parse(text ?? '')).toMatchObject({ openapi: '3.1.0', info: { title: 'Muniment' } });
    expect(answers[0]?.headers.get('content-type')).toBe('application/json');
    expect(openApi()).toBe(document);
  } finally {
    written.mockRestore();
  }
});
