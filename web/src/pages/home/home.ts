/** Starts the front page. */
import { words } from '../../i18n/home'
import { mount } from '../../use/mount'
import { keepShellOnceLoaded } from '../../use/offline-shell'
import Home from './Home.vue'

mount(Home, words)
keepShellOnceLoaded()
