import { parentPort } from 'node:worker_threads';
import { openSession, type Session, SqliteError } from './session.ts';
import type { Answer, Question } from './sessions.ts';

// SQLite answers a statement before anything else happens in its thread: in this one, and not in that which serves pages.

const sessions = new Map<number, Session>();

function answer(question: Question): Pick<Answer, 'rows' | 'changes'> {
  if (question.ask === 'open') {
    sessions.set(question.session, openSession(question.uri));
    return {};
  }
  const session = sessions.get(question.session);
  if (!session) throw new Error('this session is not open');
  switch (question.ask) {
    case 'all':
      return { rows: session.all(question.sql, question.parameters) };
    case 'run':
      return { changes: session.run(question.sql, question.parameters) };
    case 'close':
      sessions.delete(question.session);
      session.close();
      return {};
  }
}

parentPort?.on('message', (question: Question) => {
  const { id } = question;
  try {
    parentPort?.postMessage({ id, ...answer(question) } satisfies Answer);
  } catch (error) {
    const code = error instanceof SqliteError ? error.code : null;
    parentPort?.postMessage({ id, failed: { code, message: String(error) } } satisfies Answer);
  }
});
