using Scheduler.Nbd.Protocol;

namespace Scheduler.Nbd.Tests;

/// <summary>STARTTLS, in the modes of section "TLS support".</summary>
public class HandshakeTlsTests
{
    private const string StartTls =
        """
        C IHAVEOPT 00000005 00000000
        S OPTREPLY 00000005 00000001 00000000
        """;

    private static readonly Dictionary<string, (HandshakeTls Mode, bool Continues, string Transcript)> s_all = new()
    {
        ["Offered: asked for first"] = (HandshakeTls.Offered, false,
            $"""
            C 00000003
            {StartTls}
            = TLS
            """),
        ["Offered: not asked for"] = (HandshakeTls.Offered, false,
            """
            C 00000003
            C IHAVEOPT 00000001 00000002 'd0'
            S 0000000040000000 0d6d
            = transmission d0
            """),
        ["Offered: with data, and life after that"] = (HandshakeTls.Offered, false,
            $"""
            C 00000003
            C IHAVEOPT 00000005 00000001 00
            S OPTREPLY 00000005 80000003 00000014 'option_takes_no_data'
            {StartTls}
            = TLS
            """),
        ["Offered: with data beyond all bounds"] = (HandshakeTls.Offered, false,
            """
            C 00000003
            C IHAVEOPT 00000005 00010001 00*65537
            S OPTREPLY 00000005 80000003 00000014 'option_takes_no_data'
            = open
            """),
        ["Offered: not fixed newstyle"] = (HandshakeTls.Offered, false,
            """
            C 00000000
            C IHAVEOPT 00000005 00000000
            = closed NotFixedNewstyle
            """),
        ["Required: all else is refused until TLS, and the connection lives"] = (HandshakeTls.Required, true,
            $"""
            C 00000003
            C IHAVEOPT 00000003 00000000                  # LIST
            S OPTREPLY 00000003 80000005 0000000f 'TLS_is_required'
            C IHAVEOPT 00000006 00000008 00000002 'd0' 0000
            S OPTREPLY 00000006 80000005 0000000f 'TLS_is_required'
            C IHAVEOPT 00000007 00000008 00000002 'd9' 0000   # there is none: the same answer
            S OPTREPLY 00000007 80000005 0000000f 'TLS_is_required'
            C IHAVEOPT 00000008 00000000                  # STRUCTURED_REPLY
            S OPTREPLY 00000008 80000005 0000000f 'TLS_is_required'
            C IHAVEOPT 00000009 00000000
            S OPTREPLY 00000009 80000005 0000000f 'TLS_is_required'
            C IHAVEOPT 0000000a 00010001 00*65537         # data beyond all bounds
            S OPTREPLY 0000000a 80000005 0000000f 'TLS_is_required'
            C IHAVEOPT 000000ff 00000000                  # not known
            S OPTREPLY 000000ff 80000005 0000000f 'TLS_is_required'
            {StartTls}
            C IHAVEOPT 00000001 00000002 'd0'
            S 0000000040000000 0d6d
            = transmission d0
            """),
        ["Required: EXPORT_NAME has no error"] = (HandshakeTls.Required, false,
            """
            C 00000003
            C IHAVEOPT 00000001 00000002 'd0'
            = closed TlsRequired
            """),
        ["Required: EXPORT_NAME beyond all bounds"] = (HandshakeTls.Required, false,
            """
            C 00000003
            C IHAVEOPT 00000001 00010001
            = closed TlsRequired
            """),
        ["Required: ABORT"] = (HandshakeTls.Required, false,
            """
            C 00000003
            C IHAVEOPT 00000002 00000000
            S OPTREPLY 00000002 00000001 00000000
            = closed ClientAborted
            """),
        ["Structured replies are forgotten over TLS"] = (HandshakeTls.Offered, true,
            $"""
            C 00000003
            C IHAVEOPT 00000008 00000000
            S OPTREPLY 00000008 00000001 00000000
            {StartTls}
            C IHAVEOPT 00000001 00000002 'd0'
            S 0000000040000000 0d6d                       # without DF
            = transmission d0
            """),
        ["Contexts are forgotten over TLS, also if structured replies are chosen again"] = (HandshakeTls.Offered, true,
            $"""
            C 00000003
            C IHAVEOPT 00000008 00000000
            S OPTREPLY 00000008 00000001 00000000
            C IHAVEOPT 0000000a 0000001d 00000002 'd0' 00000001 0000000f 'base:allocation'
            S OPTREPLY 0000000a 00000004 00000013 00000001 'base:allocation'
            S OPTREPLY 0000000a 00000001 00000000
            {StartTls}
            C IHAVEOPT 00000008 00000000
            S OPTREPLY 00000008 00000001 00000000
            C IHAVEOPT 00000001 00000002 'd0'
            S 0000000040000000 0ded
            = transmission d0 structured
            """),
        ["The client's flags go on over TLS"] = (HandshakeTls.Offered, true,
            $"""
            C 00000001                                    # with zeroes
            {StartTls}
            C IHAVEOPT 00000001 00000002 'd0'
            S 0000000040000000 0d6d 00*124
            = transmission d0
            """),
        ["Active: a second time"] = (HandshakeTls.Offered, true,
            $"""
            C 00000003
            {StartTls}
            C IHAVEOPT 00000005 00000000
            S OPTREPLY 00000005 80000003 00000015 'TLS_is_in_use_already'
            = open
            """),
    };

    public static TheoryData<string> Names => new(s_all.Keys);

    [Theory]
    [MemberData(nameof(Names))]
    public void Transcript(string name)
    {
        (HandshakeTls mode, bool continues, string transcript) = s_all[name];
        foreach (int chunk in new[] { int.MaxValue / 2, 7, 1 })
            new Transcript(transcript).Play(new TestExports(), chunk, mode, continues ? new TestExports() : null);
    }

    [Fact]
    public void Inside_TLS_the_client_sees_what_it_sees_there() => new Transcript(
        $"""
        C 00000003
        C IHAVEOPT 00000007 00000008 00000002 'd0' 0000
        S OPTREPLY 00000007 80000007 00000012 'export_is_stopping'
        {StartTls}
        C IHAVEOPT 00000001 00000002 'd0'
        S 0000000040000000 0d6d
        = transmission d0
        """).Play(new TestExports { Stopping = true }, int.MaxValue / 2, HandshakeTls.Offered, new TestExports());

    [Theory]
    [InlineData(HandshakeTls.Offered)]
    [InlineData(HandshakeTls.Required)]
    public void A_client_that_is_refused_is_told_why_and_gets_nothing(HandshakeTls mode)
    {
        foreach (int chunk in new[] { int.MaxValue / 2, 7, 1 })
        {
            new Transcript(
                $"""
                C 00000003
                {StartTls}
                C IHAVEOPT 00000003 00000000                  # LIST
                S OPTREPLY 00000003 80000002 00000007 'expired'
                C IHAVEOPT 00000006 00000008 00000002 'd0' 0000
                S OPTREPLY 00000006 80000002 00000007 'expired'
                C IHAVEOPT 00000007 00000008 00000002 'd0' 0000
                S OPTREPLY 00000007 80000002 00000007 'expired'
                C IHAVEOPT 00000007 00000008 00000002 'd9' 0000   # there is none: the same answer
                S OPTREPLY 00000007 80000002 00000007 'expired'
                C IHAVEOPT 00000008 00000000                  # STRUCTURED_REPLY
                S OPTREPLY 00000008 80000002 00000007 'expired'
                C IHAVEOPT 0000000a 00010001 00*65537         # data beyond all bounds
                S OPTREPLY 0000000a 80000002 00000007 'expired'
                C IHAVEOPT 000000ff 00000000                  # not known
                S OPTREPLY 000000ff 80000002 00000007 'expired'
                C IHAVEOPT 00000005 00000000                  # STARTTLS
                S OPTREPLY 00000005 80000003 00000015 'TLS_is_in_use_already'
                C IHAVEOPT 00000002 00000000                  # ABORT
                S OPTREPLY 00000002 00000001 00000000
                = closed ClientAborted
                """).Play(new TestExports(), chunk, mode, refusal: "expired");
            new Transcript(
                $"""
                C 00000003
                {StartTls}
                C IHAVEOPT 00000001 00000002 'd0'             # EXPORT_NAME has no error
                = closed ClientRefused
                """).Play(new TestExports(), chunk, mode, refusal: "expired");
        }
    }

    [Fact]
    public void A_handshake_goes_on_inside_TLS_only_after_STARTTLS()
    {
        Handshake handshake = new(new TestExports(), HandshakeTls.Offered);
        Assert.Throws<InvalidOperationException>(() => handshake.Secured(new TestExports()));
        Assert.Throws<InvalidOperationException>(() => handshake.Refused("expired"));
    }
}
