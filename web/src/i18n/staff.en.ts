/** The words of the pages that staff log in to, in English. */
import type { zh } from './staff.zh'

export const en: typeof zh = {
  login: {
    username: 'User name',
    password: 'Password',
    submit: 'Log in',
    busy: 'Logging in…',
    problem_bad: 'Wrong user name or password.',
    code: 'Code',
    code_hint: 'Six digits of your authenticator app. Without your phone, type a recovery code.',
    problem_wrong_code: 'This code is wrong or was used. Type the digits that the app shows now.',
    problem_rate_limited: 'Too many attempts. Please try again in a while.',
    problem_unreachable: 'The server cannot be reached. Check your connection and try again.',
    expired: 'Your login has expired. Please log in again.',
  },
}
