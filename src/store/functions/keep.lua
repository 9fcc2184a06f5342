-- Writes a job that changed, renews the lifetimes of its keys, and tells everyone.
local keep = {} do

-- A report at work does not move its lease's deadline: the supervisor looks again at what `locked` says. So an entry may be
-- early, and is never late.
function keep.deadline(ns, job, at)
  if at then call('ZADD', ns .. ':deadlines', digits(at), job.id) else call('ZREM', ns .. ':deadlines', job.id) end
end

-- Lifetimes are renewed only when under half: EXPIRE on each report would cost as much as the report. Returns true if it is time.
function keep.renew(job, at)
  local span = tonumber(FINAL[job.status] and job.retention or job.abandoned)
  local wanted = at + span
  if job.retry_at and tonumber(job.retry_at) + span > wanted then wanted = tonumber(job.retry_at) + span end
  local have = tonumber(job.expires or 0)
  if have >= at + span / 2 and have <= at + span * 2 and not job.status_changed and have >= tonumber(job.retry_at or 0) then return false end
  job.expires = digits(wanted)
  return true
end

-- An unfinished job of a batch must not go before it has left the batch, which would count it for ever. So the supervisor ends
-- it (`expired`), and Redis does only if no supervisor ran for a day.
local LEFT_TO_SUPERVISOR = 86400000

function keep.expire(ns, job)
  local at = job.expires
  if job.gid then
    if FINAL[job.status] then
      call('ZREM', ns .. ':expiring', job.id)
    else
      call('ZADD', ns .. ':expiring', job.expires, job.id)
      at = digits(tonumber(job.expires) + LEFT_TO_SUPERVISOR)
    end
  end
  call('PEXPIREAT', job.key, at)
  call('PEXPIREAT', ns .. ':log:' .. job.id, at)
end

function keep.publish(ns, id, scope, version, letters, doc)
  local message = version .. ' ' .. letters .. ' ' .. doc
  call('PUBLISH', ns .. ':event:' .. id, message)
  if scope then call('PUBLISH', ns .. ':feed:' .. scope, id .. ' ' .. message) end
end

-- The record went without a DELETE: by hand, evicted, or at the end of its life. Whose it was nobody knows any more, so streams
-- of owners hear of it on a channel of all.
function keep.vanished(ns, id)
  keep.publish(ns, id, nil, '0', 'd', 'null')
  call('PUBLISH', ns .. ':gone', id)
end

-- Outcomes that nobody has acknowledged yet, by owner.
local function update_inbox(ns, job, scope, at)
  local inbox = ns .. ':inbox:' .. scope
  if FINAL[job.status] and not job.seen_at then
    call('ZADD', inbox, job.finished, job.id)
    call('PEXPIRE', inbox, job.retention)
    call('ZREMRANGEBYSCORE', inbox, '-inf', '(' .. digits(at - tonumber(job.retention)))
  elseif job.was_final then
    call('ZREM', inbox, job.id)
  end
end

-- Writes what changed, and tells everyone. flags: a set of letters. `what` says in the history what a status does not say.
function keep.save(ns, job, at, flags, by, what)
  job.v = job.v + 1
  job.updated = at > (job.updated or 0) and at or job.updated
  job.was_final = FINAL[record.stored_status(job)]
  if job.was_final and not FINAL[job.status] then job.seen_at, job.seen_by = nil, nil end
  local scope, joined = record.scope(job), job.regroup
  if job.gid or job.group then batches.update(ns, job, at) end
  if FINAL[job.status] and job.status ~= 'done' then job.retries = not followers.refuse_retry(ns, job) and '1' or nil end
  local version = digits(job.v)
  local front, back = record.front(job), record.back(job)
  local doc = record.compose(job.id, version, digits(job.updated), front, record.progress_of(job, job.updated), back, job.locked)
  job.doc = doc
  job.status_changed = flags.s
  if flags.s or flags.n or flags.o or flags.c then
    local entry = {'version', version, 'at', digits(at), 'status', job.status, 'attempt', digits(job.attempt), 'by', by or 'worker'}
    if what then entry[#entry + 1] = 'what' entry[#entry + 1] = what end
    if job.error and (job.status == 'failed' or job.status == 'retrying') and not flags.quiet then
      entry[#entry + 1] = 'error' entry[#entry + 1] = job.error
    end
    if flags.mended then entry[#entry + 1] = 'mended' entry[#entry + 1] = flags.mended end
    if job.duration then entry[#entry + 1] = 'duration' entry[#entry + 1] = digits(job.duration) end
    call('XADD', ns .. ':log:' .. job.id, 'MAXLEN', '256', '*', unpack(entry))
  end
  -- `pace` and `mid` are of a library before 1.6.
  local set, gone = {'doc', doc}, {'front', 'back', 'now', 'pace', 'mid'}
  local kept, stored = record.KEPT, job.stored
  local n = 2
  local lifetime = keep.renew(job, at)
  if job.status == 'processing' and not job.stalled and not job.cancel then
    set = {'doc', doc, 'front', front, 'back', back, 'now', record.now(job, scope)}
    n, gone = #set, {}
  end
  for i = 1, #kept do
    local field, old = kept[i], stored[i] or nil
    local value = job[field]
    if value ~= old and type(value) == 'number' then value = digits(value) end
    if value ~= old then
      if value == nil then
        gone[#gone + 1] = field
      else
        set[n + 1], set[n + 2] = field, value
        n = n + 2
      end
      stored[i] = value
    end
  end
  call('HSET', job.key, unpack(set))
  if #gone > 0 then call('HDEL', job.key, unpack(gone)) end
  if lifetime or joined then keep.expire(ns, job) end
  if scope and (flags.s or flags.n or flags.o) then
    local index = ns .. ':owner:' .. scope
    call('ZADD', index, digits(at), job.id)
    call('ZREMRANGEBYSCORE', index, '-inf', '(' .. digits(at - tonumber(job.abandoned)))
    call('PEXPIRE', index, job.abandoned)
  end
  if scope and (FINAL[job.status] or job.was_final) then update_inbox(ns, job, scope, at) end
  if flags.f then
    call('XADD', ns .. ':finished', 'MAXLEN', '~', '1000000', '*', 'id', job.id, 'type', job.type, 'status', job.status,
      'version', version, 'attempt', digits(job.attempt), 'owner', job.owner or '', 'tenant', job.tenant or '', 'at', digits(at))
  end
  local letters = (flags.p and 'p' or '') .. (flags.s and 's' or '') .. (FINAL[job.status] and 'f' or '') .. (flags.n and 'n' or '') .. (flags.o and 'o' or '')
  keep.publish(ns, job.id, scope, version, letters == '' and '-' or letters, doc)
end

end
