-- Takes entries that the record has off the stream, turns their holds into sales or gives them
-- back, and publishes the answers. Safe to run again: a hold is settled once, because it is
-- deleted. What stands behind a dollar sign is filled in by commerce/io/gate/codec.py.
--
-- KEYS  1 orders (stream)  2 available  3 held  4 settled  5 holds  6 hold
--       then three per entry: idem:{order}  seats:{group}  bought:{household}:{product}
--       then bought:{household}:{product} of what else the limits of each entry count: second
--       lines and those after them, and quotas of flash sales
-- ARGV  1 consumer group  2 idempotency ms  3 channel  4 message
--       then five per entry: entry id  order  value of its key  1 for sold, 0 for given back
--       units of what else its limits count, each followed by a comma
-- Gives the number of holds that were settled.

local function end_hold(row, units, sold)
  redis.call('HINCRBY', KEYS[3], row, -units)
  if sold == '1' then
    redis.call('HINCRBY', KEYS[4], row, 1)
  else
    redis.call('HINCRBY', KEYS[2], row, units)
  end
end

local function give_back(key, units)
  local bought = tonumber(redis.call('GET', key) or '0')
  if bought > tonumber(units) then
    redis.call('DECRBY', key, units)
  elseif bought > 0 then
    redis.call('DEL', key)
  end
end

local settled = 0
local entries = (#ARGV - 4) / 5
local further = 6 + entries * 3  -- the last key that was looked at of what else is counted
for index = 0, entries - 1 do
  local argument, key = 4 + index * 5, 6 + index * 3
  local entry, order_id, key_value, sold = ARGV[argument + 1], ARGV[argument + 2],
    ARGV[argument + 3], ARGV[argument + 4]
  local first = further
  for _ in string.gmatch(ARGV[argument + 5], ',') do further = further + 1 end
  local hold = redis.call('HGET', KEYS[6], order_id)
  local $HOLD
  if hold then
    $HOLD = string.match(hold, $HOLD_PATTERN)
  end
  if hold and entry_id == entry then
    redis.call('HDEL', KEYS[6], order_id)
    redis.call('ZREM', KEYS[5], order_id)
    if needs == '' then
      end_hold(product_id .. '|' .. store_id, quantity, sold)
    else
      for item, units in string.gmatch(needs, $UNITS_PATTERN) do
        end_hold(item .. '|' .. store_id, units, sold)
      end
    end
    if slot ~= '' then end_hold('slot:' .. slot .. '|' .. store_id, 1, sold) end
    for quota, units in string.gmatch(quotas, $UNITS_PATTERN) do
      end_hold(quota .. '|', units, sold)
    end
    if sold ~= '1' then
      if coupon_id ~= '' then
        -- A key of this gate that only its holds know.
        local coupon = string.sub(KEYS[1], 1, -#'orders' - 1) .. 'coupon:' .. coupon_id
        if redis.call('GET', coupon) == order_id then redis.call('DEL', coupon) end
      end
      if redis.call('HGET', KEYS[key + 2], household_id) == order_id then
        redis.call('HDEL', KEYS[key + 2], household_id)
      end
      give_back(KEYS[key + 3], quantity)
      local at = first
      for units in string.gmatch(ARGV[argument + 5], '(%d+),') do
        at = at + 1
        give_back(KEYS[at], units)
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
