namespace Scheduler.Nbd.Tests;

/// <summary>Every option, byte by byte. Names of exports: <see cref="TestExports"/>.</summary>
/// <remarks>
/// Transmission flags seen here: 0d6d for d0 (all that the server can do), 0ded with DF, 050f for the read-only export.
/// </remarks>
internal static class HandshakeTranscripts
{
    public static readonly IReadOnlyDictionary<string, string> All = new Dictionary<string, string>
    {
        ["EXPORT_NAME with padding"] =
            """
            C 00000001                                    # fixed newstyle
            C IHAVEOPT 00000001 00000002 'd0'
            S 0000000040000000 0d6d 00*124
            = transmission d0
            """,
        ["EXPORT_NAME without padding"] =
            """
            C 00000003                                    # fixed newstyle, no zeroes
            C IHAVEOPT 00000001 00000002 'ro'
            S 0000000000010000 050f
            = transmission ro
            """,
        ["EXPORT_NAME of the default export, not fixed newstyle"] =
            """
            C 00000000
            C IHAVEOPT 00000001 00000000
            S 0000000040000000 0d6d 00*124
            = transmission d0
            """,
        ["EXPORT_NAME of no export"] =
            """
            C 00000003
            C IHAVEOPT 00000001 00000002 'd9'
            = closed UnknownExport
            """,
        ["EXPORT_NAME of an export that is stopping"] =
            """
            C 00000003
            C IHAVEOPT 00000001 00000004 'gone'
            = closed ExportUnavailable
            """,
        ["EXPORT_NAME with a NUL"] =
            """
            C 00000003
            C IHAVEOPT 00000001 00000003 'd' 00 '0'
            = closed BadExportName
            """,
        ["EXPORT_NAME above 4096 bytes"] =
            """
            C 00000003
            C IHAVEOPT 00000001 00001001 'a'*4097
            = closed BadExportName
            """,
        ["EXPORT_NAME above all bounds"] =
            """
            C 00000003
            C IHAVEOPT 00000001 00010001
            = closed BadExportName
            """,
        ["ABORT"] =
            """
            C 00000003
            C IHAVEOPT 00000002 00000000
            S OPTREPLY 00000002 00000001 00000000         # ACK
            = closed ClientAborted
            """,
        ["ABORT with data, which is ignored"] =
            """
            C 00000003
            C IHAVEOPT 00000002 00000003 'bye'
            S OPTREPLY 00000002 00000001 00000000
            = closed ClientAborted
            """,
        ["ABORT with data above all bounds"] =
            """
            C 00000003
            C IHAVEOPT 00000002 00010001
            S OPTREPLY 00000002 00000001 00000000
            = closed ClientAborted
            """,
        ["LIST"] =
            """
            C 00000003
            C IHAVEOPT 00000003 00000000
            S OPTREPLY 00000003 00000002 00000010 00000002 'd0' 'disk_of_g0'
            S OPTREPLY 00000003 00000002 00000006 00000002 'ro'
            S OPTREPLY 00000003 00000001 00000000
            = open
            """,
        ["LIST with data"] =
            """
            C 00000003
            C IHAVEOPT 00000003 00000001 00
            S OPTREPLY 00000003 80000003 00000014 'option_takes_no_data'
            = open
            """,
        ["STARTTLS and unknown options, and life after them"] =
            """
            C 00000003
            C IHAVEOPT 00000005 00000000                  # STARTTLS
            S OPTREPLY 00000005 80000001 00000000         # UNSUP
            C IHAVEOPT 00000004 00000002 'xx'             # PEEK_EXPORT, withdrawn
            S OPTREPLY 00000004 80000001 00000000
            C IHAVEOPT 0000000b 00000000                  # EXTENDED_HEADERS
            S OPTREPLY 0000000b 80000001 00000000
            C IHAVEOPT ffffffff 00010001 00*65537         # unknown, its data discarded unseen
            S OPTREPLY ffffffff 80000001 00000000
            C IHAVEOPT 00000002 00000000
            S OPTREPLY 00000002 00000001 00000000
            = closed ClientAborted
            """,
        ["INFO, all informations, in duplicate and with an unknown one; then GO"] =
            """
            C 00000003
            C IHAVEOPT 00000006 00000014 00000002 'd0' 0006 0000 0001 0002 0002 0003 ffff
            S OPTREPLY 00000006 00000003 0000000c 0000 0000000040000000 0d6d
            S OPTREPLY 00000006 00000003 0000000e 0003 00000200 00001000 02000000
            S OPTREPLY 00000006 00000003 00000004 0001 'd0'
            S OPTREPLY 00000006 00000003 0000000c 0002 'disk_of_g0'
            S OPTREPLY 00000006 00000001 00000000
            C IHAVEOPT 00000007 00000008 00000002 'd0' 0000
            S OPTREPLY 00000007 00000003 0000000c 0000 0000000040000000 0d6d
            S OPTREPLY 00000007 00000003 0000000e 0003 00000200 00001000 02000000
            S OPTREPLY 00000007 00000001 00000000
            = transmission d0
            """,
        ["GO to the default export tells its name"] =
            """
            C 00000003
            C IHAVEOPT 00000007 00000008 00000000 0001 0001
            S OPTREPLY 00000007 00000003 0000000c 0000 0000000040000000 0d6d
            S OPTREPLY 00000007 00000003 0000000e 0003 00000200 00001000 02000000
            S OPTREPLY 00000007 00000003 00000004 0001 'd0'
            S OPTREPLY 00000007 00000001 00000000
            = transmission d0
            """,
        ["GO to an export without description does not make one up, nor demands that block sizes be asked for"] =
            """
            C 00000003
            C IHAVEOPT 00000007 0000000a 00000002 'ro' 0001 0002
            S OPTREPLY 00000007 00000003 0000000c 0000 0000000000010000 050f
            S OPTREPLY 00000007 00000003 0000000e 0003 00001000 00001000 00008000
            S OPTREPLY 00000007 00000001 00000000
            = transmission ro
            """,
        ["GO, and a request sent along with it"] =
            """
            C 00000001
            C IHAVEOPT 00000007 00000008 00000002 'd0' 0000 REQUEST 0000 0002 00*20
            S OPTREPLY 00000007 00000003 0000000c 0000 0000000040000000 0d6d
            S OPTREPLY 00000007 00000003 0000000e 0003 00000200 00001000 02000000
            S OPTREPLY 00000007 00000001 00000000
            = transmission d0 and 28 bytes
            """,
        ["GO and INFO to no export, then to one"] =
            """
            C 00000003
            C IHAVEOPT 00000006 00000008 00000002 'D0' 0000
            S OPTREPLY 00000006 80000006 0000000e 'no_such_export'
            C IHAVEOPT 00000007 00000008 00000002 'd1' 0000
            S OPTREPLY 00000007 80000006 0000000e 'no_such_export'
            C IHAVEOPT 00000007 0000000a 00000004 'gone' 0000
            S OPTREPLY 00000007 80000007 00000012 'export_is_stopping'
            C IHAVEOPT 00000007 00000008 00000002 'd0' 0000
            S OPTREPLY 00000007 00000003 0000000c 0000 0000000040000000 0d6d
            S OPTREPLY 00000007 00000003 0000000e 0003 00000200 00001000 02000000
            S OPTREPLY 00000007 00000001 00000000
            = transmission d0
            """,
        ["GO, malformed in every way"] =
            """
            C 00000003
            C IHAVEOPT 00000007 00000000                               # nothing
            S OPTREPLY 00000007 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 00000007 00000003 000000                        # half a length
            S OPTREPLY 00000007 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 00000007 00000006 00000002 'd0'                 # no number of requests
            S OPTREPLY 00000007 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 00000007 00000007 00000002 'd0' 00              # half a number
            S OPTREPLY 00000007 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 00000007 00000008 00000003 'd0' 0000            # a name one byte too long
            S OPTREPLY 00000007 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 00000007 00000008 ffffffff 'd0' 0000            # a name without end
            S OPTREPLY 00000007 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 00000007 00000008 00000002 'd0' 0001            # a request missing
            S OPTREPLY 00000007 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 00000007 0000000a 00000002 'd0' 0000 0003       # one too many
            S OPTREPLY 00000007 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 00000007 00000008 00000002 64 00 0000           # a NUL in the name
            S OPTREPLY 00000007 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 00000007 00000008 00000002 c3 28 0000           # no UTF-8
            S OPTREPLY 00000007 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 00000007 00001007 00001001 'a'*4097 0000        # a name above 4096 bytes
            S OPTREPLY 00000007 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 00000007 00001006 00001000 'a'*4096 0000        # the longest name
            S OPTREPLY 00000007 80000006 0000000e 'no_such_export'
            = open
            """,
        ["GO above 64 KiB is skipped unread; data of exactly 64 KiB is looked at"] =
            """
            C 00000003
            C IHAVEOPT 00000007 00010001 00*65537
            S OPTREPLY 00000007 80000009 00000014 'option_data_too_long'
            C IHAVEOPT 00000007 00010000 ff*65536
            S OPTREPLY 00000007 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 00000002 00000000
            S OPTREPLY 00000002 00000001 00000000
            = closed ClientAborted
            """,
        ["STRUCTURED_REPLY, twice, then GO with DF"] =
            """
            C 00000003
            C IHAVEOPT 00000008 00000000
            S OPTREPLY 00000008 00000001 00000000
            C IHAVEOPT 00000008 00000000
            S OPTREPLY 00000008 00000001 00000000
            C IHAVEOPT 00000007 00000008 00000002 'd0' 0000
            S OPTREPLY 00000007 00000003 0000000c 0000 0000000040000000 0ded
            S OPTREPLY 00000007 00000003 0000000e 0003 00000200 00001000 02000000
            S OPTREPLY 00000007 00000001 00000000
            = transmission d0 structured
            """,
        ["STRUCTURED_REPLY with data negotiates nothing"] =
            """
            C 00000003
            C IHAVEOPT 00000008 00000001 00
            S OPTREPLY 00000008 80000003 00000014 'option_takes_no_data'
            C IHAVEOPT 00000001 00000002 'd0'
            S 0000000040000000 0d6d
            = transmission d0
            """,
        ["LIST_META_CONTEXT"] =
            """
            C 00000003
            C IHAVEOPT 00000009 0000000a 00000002 'd0' 00000000                 # too early
            S OPTREPLY 00000009 80000003 0000001d 'structured_replies_come_first'
            C IHAVEOPT 00000008 00000000
            S OPTREPLY 00000008 00000001 00000000
            C IHAVEOPT 00000009 0000000a 00000002 'd0' 00000000                 # no query: everything
            S OPTREPLY 00000009 00000004 00000013 00000000 'base:allocation'
            S OPTREPLY 00000009 00000001 00000000
            C IHAVEOPT 00000009 00000013 00000002 'd0' 00000001 00000005 'base:'
            S OPTREPLY 00000009 00000004 00000013 00000000 'base:allocation'
            S OPTREPLY 00000009 00000001 00000000
            C IHAVEOPT 00000009 00000026 00000002 'd0' 00000002 00000005 'base:' 0000000f 'base:allocation'
            S OPTREPLY 00000009 00000004 00000013 00000000 'base:allocation'
            S OPTREPLY 00000009 00000001 00000000
            C IHAVEOPT 00000009 0000001e 00000002 'd0' 00000002 00000005 'qemu:' 00000007 'base:no'
            S OPTREPLY 00000009 00000001 00000000
            C IHAVEOPT 00000009 0000000a 00000002 'd7' 00000000
            S OPTREPLY 00000009 80000006 0000000e 'no_such_export'
            C IHAVEOPT 00000009 0000000c 00000004 'gone' 00000000
            S OPTREPLY 00000009 80000007 00000012 'export_is_stopping'
            C IHAVEOPT 00000001 00000002 'd0'                                   # a listing chooses nothing
            S 0000000040000000 0ded
            = transmission d0 structured
            """,
        ["SET_META_CONTEXT, then GO to that export"] =
            """
            C 00000003
            C IHAVEOPT 00000008 00000000
            S OPTREPLY 00000008 00000001 00000000
            C IHAVEOPT 0000000a 0000001d 00000002 'd0' 00000001 0000000f 'base:allocation'
            S OPTREPLY 0000000a 00000004 00000013 00000001 'base:allocation'
            S OPTREPLY 0000000a 00000001 00000000
            C IHAVEOPT 00000007 00000008 00000002 'd5' 0000                     # a failed GO changes nothing
            S OPTREPLY 00000007 80000006 0000000e 'no_such_export'
            C IHAVEOPT 00000007 00000008 00000002 'd0' 0000
            S OPTREPLY 00000007 00000003 0000000c 0000 0000000040000000 0ded
            S OPTREPLY 00000007 00000003 0000000e 0003 00000200 00001000 02000000
            S OPTREPLY 00000007 00000001 00000000
            = transmission d0 structured allocation
            """,
        ["SET_META_CONTEXT for another export does not count"] =
            """
            C 00000003
            C IHAVEOPT 00000008 00000000
            S OPTREPLY 00000008 00000001 00000000
            C IHAVEOPT 0000000a 0000001d 00000002 'ro' 00000001 0000000f 'base:allocation'
            S OPTREPLY 0000000a 00000004 00000013 00000001 'base:allocation'
            S OPTREPLY 0000000a 00000001 00000000
            C IHAVEOPT 00000001 00000002 'd0'
            S 0000000040000000 0ded
            = transmission d0 structured
            """,
        ["SET_META_CONTEXT is replaced by a later one, by none, and by one that fails"] =
            """
            C 00000003
            C IHAVEOPT 0000000a 0000001d 00000002 'd0' 00000001 0000000f 'base:allocation'   # too early
            S OPTREPLY 0000000a 80000003 0000001d 'structured_replies_come_first'
            C IHAVEOPT 00000008 00000000
            S OPTREPLY 00000008 00000001 00000000
            C IHAVEOPT 0000000a 0000001d 00000002 'd0' 00000001 0000000f 'base:allocation'
            S OPTREPLY 0000000a 00000004 00000013 00000001 'base:allocation'
            S OPTREPLY 0000000a 00000001 00000000
            C IHAVEOPT 0000000a 00000013 00000002 'd0' 00000001 00000005 'base:'             # selects nothing
            S OPTREPLY 0000000a 00000001 00000000
            C IHAVEOPT 0000000a 0000001d 00000002 'd0' 00000001 0000000f 'base:allocation'
            S OPTREPLY 0000000a 00000004 00000013 00000001 'base:allocation'
            S OPTREPLY 0000000a 00000001 00000000
            C IHAVEOPT 0000000a 0000000a 00000002 'd0' 00000000                              # no query: nothing
            S OPTREPLY 0000000a 00000001 00000000
            C IHAVEOPT 0000000a 0000001d 00000002 'd0' 00000001 0000000f 'base:allocation'
            S OPTREPLY 0000000a 00000004 00000013 00000001 'base:allocation'
            S OPTREPLY 0000000a 00000001 00000000
            C IHAVEOPT 0000000a 00010001 00*65537                                            # too big
            S OPTREPLY 0000000a 80000009 00000014 'option_data_too_long'
            C IHAVEOPT 00000001 00000002 'd0'
            S 0000000040000000 0ded
            = transmission d0 structured
            """,
        ["SET_META_CONTEXT, malformed in every way, the last one undoing the choice before"] =
            """
            C 00000003
            C IHAVEOPT 00000008 00000000
            S OPTREPLY 00000008 00000001 00000000
            C IHAVEOPT 0000000a 00000000                                        # nothing
            S OPTREPLY 0000000a 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 0000000a 00000006 00000002 'd0'                          # no number of queries
            S OPTREPLY 0000000a 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 0000000a 0000000a 00000002 'd0' ffffffff                 # queries without end
            S OPTREPLY 0000000a 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 0000000a 00000011 00000002 'd0' 00000001 00000005 'bas'  # a query cut short
            S OPTREPLY 0000000a 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 0000000a 0000000b 00000002 'd0' 00000000 00              # a byte too many
            S OPTREPLY 0000000a 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 0000000a 0000100f 00000002 'd0' 00000001 00001001 'q'*4097
            S OPTREPLY 0000000a 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 0000000a 0000001d 00000002 'd0' 00000001 0000000f 'base:allocation'
            S OPTREPLY 0000000a 00000004 00000013 00000001 'base:allocation'
            S OPTREPLY 0000000a 00000001 00000000
            C IHAVEOPT 0000000a 00000011 00000002 'd0' 00000001 00000005 'bas'
            S OPTREPLY 0000000a 80000003 00000015 'malformed_option_data'
            C IHAVEOPT 00000001 00000002 'd0'
            S 0000000040000000 0ded
            = transmission d0 structured
            """,
        ["SET_META_CONTEXT, the same context asked for twice among unknown ones, is one choice"] =
            """
            C 00000003
            C IHAVEOPT 00000008 00000000
            S OPTREPLY 00000008 00000001 00000000
            C IHAVEOPT 0000000a 00000047 00000000 00000004
            C 0000000f 'base:allocation' 00000011 'qemu:dirty-bitmap' 0000000f 'base:allocation' 00000000
            S OPTREPLY 0000000a 00000004 00000013 00000001 'base:allocation'
            S OPTREPLY 0000000a 00000001 00000000
            C IHAVEOPT 00000001 00000000
            S 0000000040000000 0ded
            = transmission d0 structured allocation
            """,
        ["Unknown client flags"] =
            """
            C 00000005
            = closed UnknownClientFlags
            """,
        ["An option that needs a reply, from a client that cannot read one"] =
            """
            C 00000002
            C IHAVEOPT 00000003 00000000
            = closed NotFixedNewstyle
            """,
        ["An option without its magic"] =
            """
            C 00000003
            C 'GET_/_HTTP/1.1' 0d0a 0d0a
            = closed BadMagic
            """,
        ["Option data that is not worth skipping"] =
            """
            C 00000003
            C IHAVEOPT 000000ff 02000001
            = closed OptionDataTooLong
            """,
        ["A client that stops in the middle"] =
            """
            C 00000003
            C IHAVEOPT 00000007 00000008 00000002 'd0'
            = open
            """,
    };
}
