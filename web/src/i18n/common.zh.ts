/** The words on every page, in Chinese. */
export const zh = {
  common: {
    brand: '邻里',
    language: 'English',
    language_label: '切换到英文',
    close: '关闭',
    cancel: '取消',
    retry: '重试',
    loading: '加载中…',
    back_home: '返回首页',
    reload: '刷新页面',
    log_out: '退出登录',
    load_failed: '暂时打不开，请检查网络后重试。',
    nothing_kept: '浏览器不允许本站保存数据：关闭本页后，这里就认不出您和您的订单了。取货码请先截图。',
    count: '×{n}',
    and_others: '{name} 和另外 {n} 样',
    viewers: '{n} 人在看',
  },
  badge: {
    live: '直播中',
    paused: '暂停',
    scheduled: '未开播',
    over: '已结束',
  },
}
