/** All words of the head office's page. */
import { en as commonEn } from './common.en'
import { zh as commonZh } from './common.zh'
import type { PageWords } from './index'
import { en as staffEn } from './staff.en'
import { zh as staffZh } from './staff.zh'
import { en } from './hq.en'
import { zh } from './hq.zh'

export const words = {
  zh: { ...commonZh, ...staffZh, ...zh },
  en: { ...commonEn, ...staffEn, ...en },
} satisfies PageWords
