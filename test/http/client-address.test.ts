import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientNetwork } from '../../src/http/client-address.ts';

describe('the network of a client', () => {
  it.each([
    ['192.0.2.1', undefined, 0, '192.0.2.1'],
    ['192.0.2.1', '203.0.113.9', 0, '192.0.2.1'],
    ['10.0.0.1', '203.0.113.9', 1, '203.0.113.9'],
    ['10.0.0.1', '198.51.100.7, 203.0.113.9', 1, '203.0.113.9'],
    ['10.0.0.1', '198.51.100.7, 203.0.113.9', 2, '198.51.100.7'],
    // Past the proxies: the socket, and nothing that was written.
    ['198.51.100.8', '203.0.113.9', 2, '198.51.100.8'],
    ['10.0.0.1', undefined, 1, '10.0.0.1'],
    ['10.0.0.1', 'unknown', 1, null],
    ['::ffff:192.0.2.1', undefined, 0, '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', undefined, 0, '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::6', undefined, 0, '2001:db8:1:2::/64'],
    ['2001:db8::1', undefined, 0, '2001:db8:0:0::/64'],
    ['::1', undefined, 0, '0:0:0:0::/64'],
    ['fe80::1%eth0', undefined, 0, 'fe80:0:0:0::/64'],
    [undefined, undefined, 0, null],
  ])('of %s, forwarded for %s across %i proxies, is %s', (socket, header, proxies, network) => {
    expect(clientNetwork(socket, header, proxies)).toBe(network);
  });

  it('cannot be chosen by whoever writes the header, as long as the proxies append to it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string(), { maxLength: 5 }),
        fc.ipV4(),
        fc.integer({ min: 1, max: 3 }),
        (written, real, proxies) => {
          // What the outermost proxy saw, and then what each inner one saw: the proxy before it.
          const seen = [real, ...Array.from({ length: proxies - 1 }, (_, i) => `10.0.0.${i + 1}`)];
          const header = [...written, ...seen].join(', ');
          expect(clientNetwork('10.0.0.9', header, proxies)).toBe(real);
        },
      ),
    );
  });

  it('of every address in one household is one', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        expect(clientNetwork(address, undefined, 0)).toMatch(/^([0-9a-f]{1,4}:){4}:\/64$|^\d+\.\d+\.\d+\.\d+$/);
      }),
    );
  });
});
