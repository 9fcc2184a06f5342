-- What callers may call. A function without `no-writes` is refused by a replica, and by FCALL_RO.

local READS = {'no-writes'}

local function writes(name, body) redis.register_function(name, entry.wrap(name, body)) end
local function reads(name, body)
  redis.register_function{function_name = name, callback = entry.wrap(name, body), flags = READS}
end

writes('jobcast_report', report.report)
writes('jobcast_heartbeat', report.heartbeat)
writes('jobcast_create', create.create)
writes('jobcast_command', command.command)
writes('jobcast_cancel', command.cancel)
writes('jobcast_retry', command.retry)
writes('jobcast_seen', command.seen)
writes('jobcast_delete', command.delete)
writes('jobcast_supervise', supervise.run)
writes('jobcast_lease', lease.take)
writes('jobcast_policies', configuration.policies)
writes('jobcast_notify_poll', notify.poll)
writes('jobcast_notify_settle', notify.settle)
writes('jobcast_notify_replay', dead_letters.replay)
writes('jobcast_notify_drop', dead_letters.drop)
reads('jobcast_notify_list', dead_letters.list)
reads('jobcast_get', read.get)
reads('jobcast_read', read.many)
reads('jobcast_history', read.history)
reads('jobcast_list', read.list)
reads('jobcast_inbox', read.inbox)
redis.register_function{function_name = 'jobcast_version', callback = function() return VERSION end, flags = READS}
