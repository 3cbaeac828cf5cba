using System.Buffers;
using Scheduler.Nbd.Protocol;

namespace Scheduler.Nbd.Tests;

public class HandshakeTests
{
    public static TheoryData<string> Names => new(HandshakeTranscripts.All.Keys);

    [Theory]
    [MemberData(nameof(Names))]
    public void Transcript_message_by_message(string name) =>
        new Transcript(HandshakeTranscripts.All[name]).Play(new TestExports(), int.MaxValue / 2);

    [Theory]
    [MemberData(nameof(Names))]
    public void Transcript_byte_by_byte(string name) =>
        new Transcript(HandshakeTranscripts.All[name]).Play(new TestExports(), 1);

    [Theory]
    [MemberData(nameof(Names))]
    public void Transcript_in_pieces_of_seven(string name) =>
        new Transcript(HandshakeTranscripts.All[name]).Play(new TestExports(), 7);

    [Theory]
    [MemberData(nameof(Names))]
    public void Transcript_in_one_piece(string name) =>
        new Transcript(HandshakeTranscripts.All[name]).PlayInOnePiece(new TestExports());

    [Fact]
    public void Greeting_offers_fixed_newstyle_and_no_zeroes()
    {
        ArrayBufferWriter<byte> output = new();
        Handshake.WriteGreeting(output);
        Assert.Equal(Wire.Hex(Wire.Bytes("NBDMAGIC IHAVEOPT 0003")), Wire.Hex(output.WrittenSpan));
    }

    [Fact]
    public void A_stopping_server_says_so_to_every_option_that_needs_an_export()
    {
        new Transcript(
            """
            C 00000003
            C IHAVEOPT 00000003 00000000
            S OPTREPLY 00000003 80000007 00000012 'server_is_stopping'
            C IHAVEOPT 00000006 00000008 00000002 'd0' 0000
            S OPTREPLY 00000006 80000007 00000012 'export_is_stopping'
            C IHAVEOPT 00000002 00000000
            S OPTREPLY 00000002 00000001 00000000
            = closed ClientAborted
            """).Play(new TestExports { Stopping = true }, int.MaxValue / 2);
    }

    [Fact]
    public void Too_many_options_end_the_connection()
    {
        HandshakeDriver driver = Opened(out Handshake handshake, out ArrayBufferWriter<byte> output);
        byte[] option = Wire.Bytes("IHAVEOPT 000000ff 00000000");
        for (int i = 0; i < Handshake.OptionsMax; i++)
            driver.Feed(option, output);
        Assert.Equal(HandshakeStatus.NeedMore, driver.Status);

        driver.Feed(option, output);
        Assert.Equal(CloseReason.TooManyOptions, handshake.CloseReason);
        Assert.Equal(20 * Handshake.OptionsMax, output.WrittenCount);
    }

    [Fact]
    public void Skipped_data_is_bounded_over_the_whole_handshake()
    {
        // Two times 16 MiB are the bound exactly; after them the smallest thing to skip is too much.
        HandshakeDriver driver = Opened(out Handshake handshake, out ArrayBufferWriter<byte> output);
        byte[] data = new byte[16 << 20];
        for (int i = 0; i < 2; i++)
        {
            driver.Feed(Wire.Bytes("IHAVEOPT 00000007 01000000"), output);
            driver.Feed(data, output);
        }

        Assert.Equal((HandshakeStatus.NeedMore, 0), (driver.Status, driver.Unconsumed));
        driver.Feed(Wire.Bytes("IHAVEOPT 00000007 00010001"), output);
        Assert.Equal(CloseReason.OptionDataTooLong, handshake.CloseReason);
    }

    private static HandshakeDriver Opened(out Handshake handshake, out ArrayBufferWriter<byte> output)
    {
        handshake = new Handshake(new TestExports());
        output = new ArrayBufferWriter<byte>();
        HandshakeDriver driver = new(handshake);
        driver.Feed(Wire.Bytes("00000003"), output);
        return driver;
    }
}
