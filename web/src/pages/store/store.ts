/** Starts the shop's page. */
import { words } from '../../i18n/store'
import { mount } from '../../use/mount'
import { keepShellOnceLoaded } from '../../use/offline-shell'
import Store from './Store.vue'

mount(Store, words)
keepShellOnceLoaded()
