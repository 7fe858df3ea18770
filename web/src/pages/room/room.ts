/** Starts the viewer's page. */
import { words } from '../../i18n/room'
import { mount } from '../../use/mount'
import RoomApp from './RoomApp.vue'

mount(RoomApp, words)
