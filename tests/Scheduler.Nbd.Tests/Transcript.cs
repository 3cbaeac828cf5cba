using System.Buffers;
using Scheduler.Nbd.Protocol;

namespace Scheduler.Nbd.Tests;

/// <summary>
/// A handshake as a table: lines "C bytes" of the client, the "S bytes" that the server answers to them, and last "=
/// end". The end is "open", "TLS", "closed reason" or "transmission export", the latter with "structured" and "allocation" if
/// negotiated.
/// </summary>
internal sealed class Transcript
{
    private readonly List<(byte[] Client, byte[] Server)> _exchanges = [];
    private readonly string _end;

    public Transcript(string text)
    {
        string client = "";
        string server = "";
        string end = "";
        foreach (string line in text.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0))
        {
            if (line[0] == 'C' && server.Length > 0)
                Turn();
            if (line[0] == 'C')
                client += line[1..] + "\n";
            else if (line[0] == 'S')
                server += line[1..] + "\n";
            else if (line[0] == '=')
                end = line[1..].Split('#')[0].Trim();
            else
                Assert.Fail($"What is this line: {line}");
        }

        Turn();
        _end = end;

        void Turn()
        {
            _exchanges.Add((Wire.Bytes(client), Wire.Bytes(server)));
            client = server = "";
        }
    }

    /// <summary>All that the client sends.</summary>
    public byte[] Client => [.. _exchanges.SelectMany(e => e.Client)];

    /// <summary>
    /// Plays it, at most <paramref name="chunk"/> bytes at a time, and checks each answer and the end.
    /// </summary>
    public void Play(IExportDirectory exports, int chunk, HandshakeTls tls = HandshakeTls.None, IExportDirectory? inTls = null, string? refusal = null)
    {
        HandshakeDriver driver = new(new Handshake(exports, tls), inTls, refusal);
        foreach ((byte[] client, byte[] server) in _exchanges)
        {
            ArrayBufferWriter<byte> output = new();
            for (int at = 0; at < client.Length; at += chunk)
                driver.Feed(client.AsSpan(at, Math.Min(chunk, client.Length - at)), output);
            Assert.Equal(Wire.Hex(server), Wire.Hex(output.WrittenSpan));
        }

        Assert.Equal(_end, Describe(driver));
    }

    /// <summary>Sends everything at once, as a client that does not wait for answers.</summary>
    public void PlayInOnePiece(IExportDirectory exports)
    {
        HandshakeDriver driver = new(new Handshake(exports));
        ArrayBufferWriter<byte> output = new();
        driver.Feed(Client, output);
        Assert.Equal(Wire.Hex(_exchanges.SelectMany(e => e.Server).ToArray()), Wire.Hex(output.WrittenSpan));
        Assert.Equal(_end, Describe(driver));
    }

    private static string Describe(HandshakeDriver driver)
    {
        Handshake handshake = driver.Handshake;
        string rest = driver.Unconsumed > 0 && driver.Status == HandshakeStatus.Transmission
            ? $" and {driver.Unconsumed} bytes"
            : "";
        return driver.Status switch
        {
            HandshakeStatus.Closed => $"closed {handshake.CloseReason}",
            HandshakeStatus.Transmission => $"transmission {handshake.Export!.Name}"
                + (handshake.Negotiated.StructuredReplies ? " structured" : "")
                + (handshake.Negotiated.BaseAllocation ? " allocation" : "") + rest,
            HandshakeStatus.StartTls => "TLS",
            _ => "open",
        };
    }
}
