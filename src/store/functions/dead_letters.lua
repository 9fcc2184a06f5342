-- Notifications that could not be delivered: jobcast_notify_list, jobcast_notify_replay, jobcast_notify_drop.
local dead_letters = {} do

function dead_letters.list(ns, args)
  local first = values.integer('first', args[1] or '', 0, 1000000)
  local count = values.integer('count', args[2] or '', 1, 1000)
  local waiting, rows = 0, {}
  for _, channel in ipairs(call('SMEMBERS', ns .. ':notify:channels')) do
    waiting = waiting + call('ZCARD', notify.due(ns, channel))
  end
  for _, id in ipairs(call('ZREVRANGE', ns .. ':notify:dead', tostring(first), tostring(first + count - 1))) do
    local d = call('HMGET', notify.delivery(ns, id), 'died', 'tries', 'to', 'error')
    rows[#rows + 1] = {id, d[1] or '0', d[2] or '0', d[3] or '', d[4] or ''}
  end
  return {waiting, call('ZCARD', ns .. ':notify:dead'), rows}
end

-- Calls `with` for each dead letter that is named, or for the oldest of all if that is `*`. Returns how many.
local function each_dead(ns, args, with)
  local dead, done = ns .. ':notify:dead', 0
  local ids = args
  if args[1] == '*' then ids = call('ZRANGE', dead, '0', '999') end
  for _, id in ipairs(ids) do
    if call('ZREM', dead, id) == 1 then
      done = done + 1
      with(id)
    end
  end
  return done
end

function dead_letters.replay(ns, args)
  local at = clock.now()
  return each_dead(ns, args, function(id)
    local key, channel = notify.delivery(ns, id), notify.channel_of(id)
    local endpoint = call('HGET', key, 'endpoint')
    if endpoint and endpoint ~= '' then call('ZREM', ns .. ':notify:disabled', endpoint) end
    call('HDEL', key, 'died', 'endpoint', 'error')
    call('HSET', key, 'tries', '0')
    call('ZADD', notify.due(ns, channel), digits(at), id)
    call('SADD', ns .. ':notify:channels', channel)
  end)
end

function dead_letters.drop(ns, args)
  return each_dead(ns, args, function(id) call('DEL', notify.delivery(ns, id)) end)
end

end
