-- Takes entries that the record has off the stream, turns their holds into sales or gives them
-- back, and publishes the answers. Safe to run again: a hold is settled once, because it is
-- deleted. What stands behind a dollar sign is filled in by commerce/io/gate/codec.py.
--
-- KEYS  1 orders (stream)  2 available  3 held  4 settled  5 holds  6 hold
--       then three per entry: idem:{order}  seats:{group}  bought:{household}:{product}
-- ARGV  1 consumer group  2 idempotency ms  3 channel  4 message
--       then four per entry: entry id  order  value of its key  1 for sold, 0 for given back
-- Gives the number of holds that were settled.

local settled = 0
for index = 0, (#ARGV - 4) / 4 - 1 do
  local argument, key = 4 + index * 4, 6 + index * 3
  local entry, order_id, key_value, sold = ARGV[argument + 1], ARGV[argument + 2],
    ARGV[argument + 3], ARGV[argument + 4]
  local hold = redis.call('HGET', KEYS[6], order_id)
  local $HOLD
  if hold then
    $HOLD = string.match(hold, $HOLD_PATTERN)
  end
  if hold and entry_id == entry then
    local row = product_id .. '|' .. store_id
    redis.call('HDEL', KEYS[6], order_id)
    redis.call('ZREM', KEYS[5], order_id)
    redis.call('HINCRBY', KEYS[3], row, -quantity)
    if sold == '1' then
      redis.call('HINCRBY', KEYS[4], row, 1)
    else
      redis.call('HINCRBY', KEYS[2], row, quantity)
      if redis.call('HGET', KEYS[key + 2], household_id) == order_id then
        redis.call('HDEL', KEYS[key + 2], household_id)
      end
      local bought = tonumber(redis.call('GET', KEYS[key + 3]) or '0')
      if bought > tonumber(quantity) then
        redis.call('DECRBY', KEYS[key + 3], quantity)
      elseif bought > 0 then
        redis.call('DEL', KEYS[key + 3])
      end
    end
    settled = settled + 1
  end
  redis.call('SET', KEYS[key + 1], key_value, 'PX', ARGV[2])
  redis.call('XACK', KEYS[1], ARGV[1], entry)
  redis.call('XDEL', KEYS[1], entry)
end
if ARGV[4] ~= '' then redis.call('PUBLISH', ARGV[3], ARGV[4]) end
return settled
