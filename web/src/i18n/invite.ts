/** All words of the page of a one-time link. */
import { en as commonEn } from './common.en'
import { zh as commonZh } from './common.zh'
import type { PageWords } from './index'
import { en } from './invite.en'
import { zh } from './invite.zh'

export const words = {
  zh: { ...commonZh, ...zh },
  en: { ...commonEn, ...en },
} satisfies PageWords
