/** All words of the start page. */
import { en as commonEn } from './common.en'
import { zh as commonZh } from './common.zh'
import { en } from './home.en'
import { zh } from './home.zh'
import type { PageWords } from './index'

export const words = {
  zh: { ...commonZh, ...zh },
  en: { ...commonEn, ...en },
} satisfies PageWords
