import { createHmac } from 'node:crypto';

/** One address of the operator's, to which alarms are posted as JSON. */
export interface Webhook {
  /**
   * @param id stays the same when a post is tried again, so that the receiver can tell
   * @throws when the receiver does not answer with 2xx within ten seconds
   */
  post(id: string, at: Temporal.Instant, body: object): Promise<void>;
}

const limitMs = 10_000;

/**
 * Post to a webhook, signed as Standard Webhooks says (standardwebhooks.com): HMAC-SHA-256 over id, time and body. It goes
 * to the configured address and nowhere else: a redirect is not followed, so that no answer can send it into the
 * operator's own network.
 * @param secret 32 bytes or more, shared with the receiver
 */
export function openWebhook(url: string, secret: Uint8Array): Webhook {
  return {
    async post(id, at, body) {
      const text = JSON.stringify(body);
      const seconds = String(Math.floor(at.epochMilliseconds / 1000));
      const signature = createHmac('sha256', secret).update(`${id}.${seconds}.${text}`).digest('base64');
      const answer = await fetch(url, {
        method: 'POST',
        body: text,
        redirect: 'error',
        signal: AbortSignal.timeout(limitMs),
        headers: {
          'Content-Type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': seconds,
          'webhook-signature': `v1,${signature}`,
        },
      });
      await answer.body?.cancel();
      if (!answer.ok) throw new Error(`the webhook answered ${answer.status}`);
    },
  };
}
