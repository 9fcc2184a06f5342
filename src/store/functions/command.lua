-- What users and operators ask for: jobcast_command; and jobcast_cancel, jobcast_retry, jobcast_seen, jobcast_delete for callers
-- who may do everything.
local command = {} do

local OPS = {}
local MISSING = {'missing', 0, '', ''}

function OPS.cancel(ns, job, by)
  if FINAL[job.status] then return entry.answer('ignored:final', job) end
  if job.cancel then return entry.answer('ok', job) end
  local at = clock.now()
  work.put_command(ns, job, 'cancel')
  if job.status == 'processing' then
    job.cancel = '1'
    -- The supervisor finds out how long it is still left alone.
    if job.stalled then keep.deadline(ns, job, at) end
    keep.save(ns, job, at, {c = true}, by, 'cancel_requested')
  else
    transitions.finish(ns, job, 'cancelled', at)
    keep.save(ns, job, at, {s = true, f = true}, by)
  end
  return entry.answer('ok', job)
end

function OPS.retry(ns, job, by)
  if not FINAL[job.status] or job.status == 'done' then return entry.answer('ignored:not_offered', job) end
  local refusal = followers.refuse_retry(ns, job)
  if refusal then return entry.answer('ignored:' .. refusal, job) end
  local at = clock.now()
  local policy = policies.of_type(ns, job.type)
  job.status = 'pending'
  transitions.begin_attempt(job, job.attempt + 1)
  job.error, job.result, job.result_omitted, job.finished = nil, nil, nil, nil
  job.cancel, job.started, job.locked, job.stalled = nil, nil, nil, nil
  work.put_command(ns, job, 'retry')
  if policy.dispatch then work.put(ns, job, at) end
  keep.deadline(ns, job, at + policy.offered_start_timeout)
  keep.save(ns, job, at, {s = true}, by)
  return entry.answer('ok', job)
end

-- An outcome was seen: that of the attempt, if one is named.
function OPS.seen(ns, job, by, attempt)
  if not FINAL[job.status] then return entry.answer('ignored:not_final', job) end
  if attempt and attempt ~= job.attempt then return entry.answer('ignored:stale_attempt', job) end
  if job.seen_at then return entry.answer('ok', job) end
  local at = clock.now()
  job.seen_at, job.seen_by = digits(at), by
  keep.save(ns, job, at, {c = true, quiet = true}, by, 'seen')
  return entry.answer('ok', job)
end

function command.remove(ns, job, at)
  work.drop(ns, job)
  keep.deadline(ns, job, nil)
  if job.gid then
    call('ZREM', ns .. ':expiring', job.id)
    batches.count_in(ns, job.gid, job, at, job.share, false)
  end
  local led = call('HMGET', job.key, 'former', 'request')
  for _, field in ipairs(led[1] and {led[2], 'first'} or {}) do
    if call('HGET', ns .. ':keyed:' .. led[1], field) == job.id then call('HDEL', ns .. ':keyed:' .. led[1], field) end
  end
  call('DEL', job.key, ns .. ':log:' .. job.id)
end

local function delete(ns, job)
  failures.forget_references(ns, job)
  command.remove(ns, job, clock.now())
  call('DEL', ns .. ':trace:' .. job.id)
  local scope = record.scope(job)
  if scope then
    call('ZREM', ns .. ':owner:' .. scope, job.id)
    call('ZREM', ns .. ':inbox:' .. scope, job.id)
  end
  keep.publish(ns, job.id, scope, '0', 'd', 'null')
end

function OPS.delete(ns, job)
  delete(ns, job)
  return {'ok', 0, '', ''}
end

local OP_NAMES = {'cancel', 'retry', 'seen', 'delete'}
local function attempt(field, s) return values.integer(field, s, 1, 1000000) end
local function name(field, s) return values.name(field, s, 64) end
local FIELDS = {by = name, attempt = attempt, for_owner = fields.bounded(128)}

-- Judges and does in one, so that nobody commands a job that became another's in between.
function command.command(ns, args)
  local id = entry.id(args, 'jobcast_command')
  local op = values.one_of('op', args[2] or '', OP_NAMES)
  local f = fields.read(args, 3, FIELDS)
  local job = entry.may(ns, id, f) and record.load(ns, id)
  if not job then return MISSING end
  return OPS[op](ns, job, f.by or 'viewer', f.attempt)
end

-- `<id> [by [attempt]]`
local function by_place(op)
  return function(ns, args)
    local job = record.load(ns, entry.id(args, 'jobcast_' .. op))
    if not job then return MISSING end
    return OPS[op](ns, job, args[2] and name('by', args[2]) or 'viewer', op == 'seen' and args[3] and attempt('attempt', args[3]))
  end
end

command.cancel, command.retry, command.seen = by_place('cancel'), by_place('retry'), by_place('seen')

local DELETE = {}

function command.delete(ns, args)
  local job = record.load(ns, entry.id(args, 'jobcast_delete'))
  local f = fields.read(args, 2, DELETE)
  if not job then return {'missing'} end
  if entry.forbids(f, job) then return {'forbidden', 0, ''} end
  delete(ns, job)
  return {'ok'}
end

end
