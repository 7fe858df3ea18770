/** Starts the shop's page. */
import { words } from '../../i18n/store'
import { mount } from '../../use/mount'
import Store from './Store.vue'

mount(Store, words)
