/** All words of the guest's own page. */
import { en as commonEn } from './common.en'
import { zh as commonZh } from './common.zh'
import type { PageWords } from './index'
import { en } from './me.en'
import { zh } from './me.zh'

export const words = {
  zh: { ...commonZh, ...zh },
  en: { ...commonEn, ...en },
} satisfies PageWords
