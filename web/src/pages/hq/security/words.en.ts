import type { zh } from './words.zh'

export const en: typeof zh = {
  security: {
    title: 'Log-in security',
    explanation:
      'At log-in, type the six digits of an authenticator app beside your password. Whoever learns the password alone stays out.',
    is_on: 'Your authenticator is on since {day}.',
    left: '{n} recovery codes are left.',
    few_left: 'Few recovery codes are left: turn it off and set it up again for ten new ones.',
    is_off: 'You have no authenticator yet.',
    is_needed: 'Your brand asks its head office for an authenticator; it cannot be turned off.',
    off_code: 'Six digits of the app, or a recovery code',
    turn_off: 'Turn it off',
    turned_off: 'The authenticator is off.',
  },
}
