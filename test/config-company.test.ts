import { describe, expect, it } from 'vitest';
import { ConfigProblem, readConfig } from '../src/config.ts';

const three = { OIDC_ISSUER: 'https://id.example.com/staff', OIDC_CLIENT_ID: 'muniment', OIDC_CLIENT_SECRET: 'secret' };

describe('the company’s provider in the environment', () => {
  it('is there with all three, or not at all', () => {
    expect(readConfig({}).company).toBeNull();
    expect(readConfig({ ...three, OIDC_NAME: '' }).company).toEqual({
      issuer: 'https://id.example.com/staff',
      clientId: 'muniment',
      clientSecret: 'secret',
      name: 'your company account',
      trustsMfa: false,
      otherHosts: [],
    });
    expect(readConfig({ ...three, OIDC_NAME: 'Example Corp', OIDC_TRUST_MFA: '1' }).company).toMatchObject({
      name: 'Example Corp',
      trustsMfa: true,
    });
    const hosts = readConfig({ ...three, OIDC_HOSTS: 'oauth2.example.com, WWW.example.com' }).company?.otherHosts;
    expect(hosts).toEqual(['oauth2.example.com', 'www.example.com']);
    for (const wrong of ['https://oauth2.example.com', 'a.example:443', '*', 'localhost', 'a.example,,b.example'])
      expect(() => readConfig({ ...three, OIDC_HOSTS: wrong }), wrong).toThrow(/OIDC_HOSTS names/);
    for (const name of Object.keys(three))
      expect(() => readConfig({ ...three, [name]: '' })).toThrow(/OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET/);
    for (const alone of [{ OIDC_NAME: 'Example Corp' }, { OIDC_HOSTS: 'a.example' }, { OIDC_TRUST_MFA: '1' }])
      expect(() => readConfig(alone)).toThrow(ConfigProblem);
    expect(() => readConfig({ ...three, OIDC_TRUST_MFA: 'yes' })).toThrow(/OIDC_TRUST_MFA must be 1/);
  });

  it('speaks TLS, but for this machine', () => {
    for (const issuer of ['http://localhost:8080', 'http://127.0.0.1:8080/realms/staff', 'https://id.example.com'])
      expect(readConfig({ ...three, OIDC_ISSUER: issuer }).company?.issuer).toBe(issuer);
    const wrong = [
      'id.example.com',
      'http://id.example.com',
      'http://localhost.example.com',
      'http://localhost:x@id.example.com',
      'http://169.254.169.254',
      'https://user:secret@id.example.com',
      'https://id.example.com?a=b',
      'https://id.example.com#a',
      'https://id.example.com /',
      'ftp://localhost',
      'file:///etc',
    ];
    for (const issuer of wrong)
      expect(() => readConfig({ ...three, OIDC_ISSUER: issuer }), issuer).toThrow(/OIDC_ISSUER must be an address/);
  });
});
