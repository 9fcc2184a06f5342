-- Outcomes to tell by webhook and e-mail (docs/functions.md, "Notifier"). A delivery is one outcome on one channel. It is
-- made when its outcome is taken from ns:finished, and waits in a sorted set of its channel; claiming it moves its due time
-- behind a lease, so that it comes up again by itself if the gateway that claimed it dies.
local notify = {} do

notify.GROUP, notify.BATCH, notify.ORPHANED = 'notify', 25, 3600000

function notify.due(ns, channel) return ns .. ':notify:due:' .. channel end
function notify.delivery(ns, id) return ns .. ':notify:delivery:' .. id end
function notify.channel_of(id) return match(id, '^[^/]*') end

-- The receivers that jobs name share sixteen channels, by host: one that hangs fills its own, and holds up few others.
function notify.shared(url)
  local host = lower(match(url, '^%a+://([^/?#]*)') or url)
  return 'webhook.' .. sub(redis.sha1hex(host), 1, 1)
end

function notify.is_shared(channel) return find(channel, '^webhook') ~= nil end

-- Makes a delivery a dead letter; the oldest beyond `keep` are dropped.
function notify.bury(ns, id, at, kept, why, endpoint)
  local dead = ns .. ':notify:dead'
  call('ZREM', notify.due(ns, notify.channel_of(id)), id)
  call('HSET', notify.delivery(ns, id), 'error', why, 'died', digits(at), 'endpoint', endpoint or '')
  call('ZADD', dead, digits(at), id)
  for _, oldest in ipairs(call('ZRANGE', dead, '0', tostring(-kept - 1))) do
    call('ZREM', dead, oldest)
    call('DEL', notify.delivery(ns, oldest))
  end
end

notify.EXPIRED = 'the record had expired before it could be sent'

-- Of an outcome at `finished`: its record is gone since it lived its time, not since it was deleted.
function notify.expired(ns, finished, at)
  return at >= tonumber(finished) + policies.of_all(ns).retention
end

-- `poll`: what a poll asks for, with `channels` by name. A channel that has no room for another delivery makes it a dead letter,
-- as one whose record has gone (`gone`).
function notify.queue(ns, poll, channel, to, outcome, due, gone)
  local id = table.concat({channel, outcome.attempt, outcome.status, outcome.created, outcome.id}, '/')
  call('HSET', notify.delivery(ns, id), 'job', outcome.id, 'attempt', outcome.attempt, 'status', outcome.status, 'type', outcome.type,
    'created', outcome.created, 'finished', outcome.at, 'to', to, 'tries', '0', 'claims', '0')
  call('SADD', ns .. ':notify:channels', channel)
  local full = call('ZCARD', notify.due(ns, channel)) >= poll.room
  if not gone and not full then return call('ZADD', notify.due(ns, channel), digits(due), id) end
  notify.bury(ns, id, poll.at, poll.kept, gone and notify.EXPIRED or 'more than ' .. digits(poll.room) .. ' notifications were waiting on this channel')
  local counted = poll.by_name[channel]
  if counted then counted.buried = counted.buried + 1 end
end

-- Makes the deliveries of one entry of ns:finished. `notified` in the job's hash holds the attempt whose outcome was taken, so
-- that an entry read twice (the group was made anew) makes none twice.
function notify.take(ns, told, poll)
  local outcome = {}
  for i = 1, #told, 2 do outcome[told[i]] = told[i + 1] end
  if not outcome.id then return end
  local key = ns .. ':job:' .. outcome.id
  local job = call('HMGET', key, 'status', 'attempt', 'created', 'error', 'notify', 'notified')
  local gone = not job[1] and notify.expired(ns, outcome.at, poll.at)
  if not gone and (job[1] ~= outcome.status or job[2] ~= outcome.attempt or job[6] == outcome.attempt) then return end
  outcome.created = job[3] or '0'
  local failure = job[4] and cjson.decode(job[4]) or {}
  local due = tonumber(outcome.at) + (failure.severity == 'high' and 0 or poll.grace)
  local any = false
  for _, channel in ipairs(poll.channels) do
    if find(channel.name, '^hook%.') then
      any = true
      notify.queue(ns, poll, channel.name, '', outcome, due, gone)
    end
  end
  local ok, asked = pcall(cjson.decode, job[5] or 'null')
  for _, name in ipairs({'webhook', 'email'}) do
    if ok and type(asked) == 'table' and type(asked[name]) == 'string' then
      any = true
      local shared = name == 'webhook' and notify.shared(asked[name])
      -- Gateways before 1.5 know but one channel for all of these.
      notify.queue(ns, poll, shared and poll.by_name[shared] and shared or name, asked[name], outcome, due)
    end
  end
  if any and not gone then call('HSET', key, 'notified', outcome.attempt) end
end

-- Trims ns:finished to what every consumer group has acknowledged. Whole nodes only: exact trimming would copy the last one
-- each time.
function notify.trim(ns)
  local stream, lowest = ns .. ':finished', nil
  for _, group in ipairs(call('XINFO', 'GROUPS', stream)) do
    local g = {}
    for i = 1, #group, 2 do g[group[i]] = group[i + 1] end
    local upto = g['last-delivered-id']
    if g.pending > 0 then upto = call('XPENDING', stream, g.name)[2] end
    if not lowest or values.is_before(upto, lowest) then lowest = upto end
  end
  if lowest then call('XTRIM', stream, 'MINID', '~', lowest) end
end

-- Returns true if there may be more to take.
function notify.take_new(ns, poll)
  local stream = ns .. ':finished'
  local new_ones = {'XREADGROUP', 'GROUP', notify.GROUP, 'gateways', 'NOACK', 'COUNT', tostring(notify.BATCH), 'STREAMS', stream, '>'}
  local new = try(unpack(new_ones))
  if new and new.err then
    if not find(new.err, 'NOGROUP', 1, true) then error(new) end
    -- The first notifier of an older installation tells what ended in the last hour, not everything that ever did.
    call('XGROUP', 'CREATE', stream, notify.GROUP, digits(poll.at - 3600000), 'MKSTREAM')
    new = call(unpack(new_ones))
  end
  local entries = new and new[1] and new[1][2] or {}
  for _, one in ipairs(entries) do notify.take(ns, one[2], poll) end
  if #entries > 0 then notify.trim(ns) end
  return #entries == notify.BATCH
end

function notify.forget(ns, id)
  call('ZREM', notify.due(ns, notify.channel_of(id)), id)
  call('DEL', notify.delivery(ns, id))
end

-- Whether a delivery is still wanted, decided once, when its grace is over: nil if it is, else why not: `seen`, `expired` (it is,
-- but the record is gone), or `gone` (the job was reopened or deleted). Keeps the record, so that every try sends the same.
function notify.unwanted(ns, id, d, at)
  if d.doc then return nil end
  if not d.job then return 'gone' end
  local job = call('HMGET', ns .. ':job:' .. d.job, 'status', 'attempt', 'created', 'seen_at', 'doc')
  if job[3] ~= d.created then return notify.expired(ns, d.finished, at) and 'expired' or 'gone' end
  if job[1] ~= d.status or job[2] ~= d.attempt then return 'gone' end
  if job[4] then return 'seen' end
  d.doc = job[5]
  call('HSET', notify.delivery(ns, id), 'doc', d.doc)
  return nil
end

function notify.read(ns, id)
  local names = {'job', 'attempt', 'status', 'type', 'created', 'finished', 'to', 'tries', 'claims', 'doc'}
  local row, d = call('HMGET', notify.delivery(ns, id), unpack(names)), {}
  for i, field in ipairs(names) do d[field] = row[i] or nil end
  return d
end

-- Claims what is due. Returns [channel, how many were seen, how many were buried, [delivery, ...], 1 if there may be more].
function notify.claim(ns, channel, at, held_for, kept)
  local claimed, seen, buried, looked = {}, 0, channel.buried, 0
  for _, id in ipairs(call('ZRANGEBYSCORE', notify.due(ns, channel.name), '-inf', digits(at), 'LIMIT', '0', tostring(channel.limit))) do
    looked = looked + 1
    local d = notify.read(ns, id)
    local endpoint = notify.is_shared(channel.name) and redis.sha1hex(d.to or '') or channel.endpoint
    local unwanted = notify.unwanted(ns, id, d, at)
    if unwanted == 'expired' then
      notify.bury(ns, id, at, kept, notify.EXPIRED)
      buried = buried + 1
    elseif unwanted then
      notify.forget(ns, id)
      if unwanted == 'seen' then seen = seen + 1 end
    elseif endpoint ~= '' and call('ZSCORE', ns .. ':notify:disabled', endpoint) then
      notify.bury(ns, id, at, kept, 'the endpoint is disabled since it answered 410 Gone', endpoint)
      buried = buried + 1
    else
      call('ZADD', notify.due(ns, channel.name), digits(at + held_for), id)
      call('HSET', notify.delivery(ns, id), 'tries', digits(d.tries + 1), 'claims', digits(d.claims + 1))
      claimed[#claimed + 1] = {id, d.claims + 1, d.tries + 1, d.to, d.job, d.attempt, d.status, d.type, d.created, d.finished, d.doc}
    end
  end
  return {channel.name, seen, buried, claimed, looked == channel.limit and 1 or 0}
end

-- Deliveries of a webhook that was taken out of the configuration. Only after a while, since another gateway may know it.
function notify.bury_orphans(ns, at, kept, channels)
  local known = {}
  for _, channel in ipairs(channels) do known[channel.name] = true end
  for _, name in ipairs(call('SMEMBERS', ns .. ':notify:channels')) do
    if not known[name] then
      local key = notify.due(ns, name)
      for _, id in ipairs(call('ZRANGEBYSCORE', key, '-inf', digits(at - notify.ORPHANED), 'LIMIT', '0', tostring(notify.BATCH))) do
        local unwanted = notify.unwanted(ns, id, notify.read(ns, id), at)
        if unwanted and unwanted ~= 'expired' then
          notify.forget(ns, id)
        else
          notify.bury(ns, id, at, kept, 'no gateway is configured with this webhook any more')
        end
      end
      if call('EXISTS', key) == 0 then call('SREM', ns .. ':notify:channels', name) end
    end
  end
end

function notify.poll(ns, args)
  local grace = values.integer('grace_ms', args[1] or '', 0, MAX_TIME)
  local held_for = values.integer('lease_ms', args[2] or '', 1, 86400000)
  local kept = values.integer('keep', args[3] or '', 0, 1000000)
  -- Gateways before 1.4 do not say how many may wait.
  local first = args[4] and find(args[4], '^%d+$') and 5 or 4
  local room = first == 5 and values.integer('room', args[4], 1, 10000000) or 10000000
  local channels, by_name = {}, {}
  for i = first, #args, 3 do
    local channel = {
      name = values.name('channel', args[i], 96), limit = values.integer('limit', args[i + 1] or '', 0, 10000),
      endpoint = args[i + 2] or '', buried = 0,
    }
    channels[#channels + 1], by_name[channel.name] = channel, channel
  end
  local at = clock.now()
  local poll = {at = at, grace = grace, kept = kept, room = room, channels = channels, by_name = by_name}
  local wait = notify.take_new(ns, poll) and 0 or -1
  notify.bury_orphans(ns, at, kept, channels)
  local out = {0}
  for _, channel in ipairs(channels) do
    if channel.limit > 0 or channel.buried > 0 then
      local batch = notify.claim(ns, channel, at, held_for, kept)
      out[#out + 1] = batch
      -- With its room used up, a channel waits for a try to end rather than for a time.
      local next_due = #batch[4] < channel.limit and call('ZRANGE', notify.due(ns, channel.name), '0', '0', 'WITHSCORES') or {}
      if next_due[2] then
        local left = math.max(0, tonumber(next_due[2]) - at)
        if wait < 0 or left < wait then wait = left end
      end
    end
  end
  out[1] = wait
  return out
end

-- What became of a claimed delivery: `sent`, `retry delay_ms error`, `dead keep error`, or `disable keep error endpoint` (the
-- endpoint of a webhook that the job named is its URL). That it arrived is believed from anyone; anything else only from who
-- holds the newest claim.
function notify.settle(ns, args)
  local id, claim, what = args[1] or '', args[2] or '', values.one_of('what', args[3] or '', {'sent', 'retry', 'dead', 'disable'})
  local key, channel, at = notify.delivery(ns, id), notify.channel_of(id), clock.now()
  local has = call('HMGET', key, 'claims', 'died', 'to')
  if not has[1] or what ~= 'sent' and (has[2] or has[1] ~= claim) then return 'stale' end
  if what == 'sent' then
    notify.forget(ns, id)
    call('ZREM', ns .. ':notify:dead', id)
    return 'ok'
  end
  local amount, why = values.integer('amount', args[4] or '', 0, MAX_TIME), text.repaired(args[5] or '')
  if what == 'retry' then
    call('ZADD', notify.due(ns, channel), digits(at + amount), id)
    call('HSET', key, 'error', why)
  elseif what == 'dead' then
    notify.bury(ns, id, at, amount, why)
  else
    local endpoint = notify.is_shared(channel) and redis.sha1hex(has[3]) or args[6] or ''
    notify.bury(ns, id, at, amount, why, endpoint)
    call('ZADD', ns .. ':notify:disabled', digits(at), endpoint)
    call('ZREMRANGEBYRANK', ns .. ':notify:disabled', '0', '-10001')
  end
  return 'ok'
end

end
