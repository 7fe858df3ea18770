/** The words of the start page, in Chinese. */
export const zh = {
  home: {
    me: '我的',
    title: '楼下小店，正在直播',
    lead: '看店主上货，和邻居一起参团，30 分钟后到店自提。',
    live_now: '正在直播',
    none: '现在没有直播，稍后再来看看。',
    watch: '进入直播间',
    wait: '等待开播',
    for_shops: '店家入口',
    host: '我要开播',
    host_hint: '用手机或电脑摄像头直播',
    store: '门店看板',
    store_hint: '拣货、打包、核销取货码',
  },
  lives: {
    scheduled: '即将开播',
    over: '已结束',
  },
}
