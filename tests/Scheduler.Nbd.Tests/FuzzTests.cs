using System.Buffers;
using System.Runtime.InteropServices;
using Scheduler.Nbd.Protocol;
using Xunit.Abstractions;

namespace Scheduler.Nbd.Tests;

/// <summary>
/// Any bytes at all: never an exception, never a hang, never more output than a few hundred bytes for each option, and
/// the same result however the bytes are cut. FUZZ_INPUTS sets the number of inputs, FUZZ_SEED the first seed.
/// </summary>
public class FuzzTests(ITestOutputHelper log)
{
    /// <summary>
    /// The longest answer of <see cref="TestExports"/> to one option is below this; the shortest option is 16 bytes.
    /// </summary>
    private const int AnswerBytesMax = 256;

    private static readonly int Inputs = Setting("FUZZ_INPUTS", 20_000);
    private static readonly int Seed = Setting("FUZZ_SEED", 1);

    private static readonly Negotiated[] Negotiations = [new(false, false), new(true, false), new(true, true)];

    [Fact]
    public void Handshake_takes_any_bytes() => ForEachInput(FuzzInputs.Handshake, PlayHandshake);

    [Fact]
    public void Requests_take_any_bytes() => ForEachInput(FuzzInputs.Request, PlayRequest);

    private void ForEachInput(Func<Random, byte[]> make, Func<Random, byte[], string> play)
    {
        log.WriteLine($"FUZZ_SEED={Seed} FUZZ_INPUTS={Inputs}");
        Dictionary<string, int> ends = [];
        for (int i = 0; i < Inputs; i++)
        {
            int seed = unchecked(Seed + i);
            Random random = new(seed);
            byte[] input = make(random);
            try
            {
                string end = play(random, input);
                CollectionsMarshal.GetValueRefOrAddDefault(ends, end, out _)++;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"FUZZ_SEED={seed} FUZZ_INPUTS=1 repeats it: {Wire.Hex(input)}", e);
            }
        }

        foreach ((string end, int times) in ends.OrderBy(e => e.Key))
            log.WriteLine($"{times,9} {end}");
    }

    private static string PlayHandshake(Random random, byte[] input)
    {
        HandshakeTls tls = (HandshakeTls)random.Next((int)HandshakeTls.Active + 1);
        (string whole, byte[] answer) = Play(input, tls, () => input.Length);
        (string cut, byte[] cutAnswer) = Play(input, tls, () => random.Next(1, 48));
        Assert.Equal(whole, cut);
        Assert.True(answer.AsSpan().SequenceEqual(cutAnswer), "the answer depends on how the input is cut");
        return whole;
    }

    private static (string End, byte[] Answer) Play(byte[] input, HandshakeTls tls, Func<int> chunk)
    {
        Handshake inTheClear = new(new TestExports(), tls);
        HandshakeDriver driver = new(inTheClear, new TestExports());
        ArrayBufferWriter<byte> output = new();
        for (int at = 0; at < input.Length;)
        {
            int bytes = Math.Min(chunk(), input.Length - at);
            driver.Feed(input.AsSpan(at, bytes), output);
            at += bytes;
        }

        Assert.InRange(driver.StepOutputMax, 0, AnswerBytesMax);
        Assert.InRange(output.WrittenCount, 0, input.Length / 16 * AnswerBytesMax);
        Handshake last = driver.Handshake;
        Assert.True(tls != HandshakeTls.Required || inTheClear.Export is null, "an export without TLS, where it is required");
        string inside = last == inTheClear ? "" : " in TLS";
        return ($"{driver.Status} {last.CloseReason} {last.Negotiated}{inside}", output.WrittenSpan.ToArray());
    }

    private static string PlayRequest(Random random, byte[] input)
    {
        if (!RequestHeader.TryRead(input, out RequestHeader request))
            return "short";

        ExportInfo export = random.Next(4) == 0 ? TestExports.Ro : TestExports.D0;
        Negotiated negotiated = Negotiations[random.Next(Negotiations.Length)];
        RequestVerdict verdict = RequestCheck.Check(request, export, negotiated);
        Span<byte> reply = stackalloc byte[ReplyWriter.ResultBytesMax];
        switch (verdict.Fate)
        {
            case RequestFate.Close:
                Assert.NotEqual(CloseReason.None, verdict.Reason);
                break;
            case RequestFate.Refuse:
                Assert.InRange(verdict.PayloadBytes, 0, RequestCheck.DiscardBytesMax);
                ReplyWriter.Result(reply, request, negotiated, verdict.Error, "refused"u8);
                break;
            case RequestFate.Accept when request.Command == NbdCommand.Read:
                Assert.InRange(request.Length, 1u, (uint)export.MaxPayload);
                ReplyWriter.ReadHeader(reply, request, negotiated);
                break;
            case RequestFate.Accept when request.Command == NbdCommand.BlockStatus:
                ReplyWriter.BlockStatus(reply, request, Extents(random));
                break;
            default:
                Assert.InRange(verdict.PayloadBytes, 0, export.MaxPayload);
                ReplyWriter.Result(reply, request, negotiated, NbdError.None);
                break;
        }

        return $"{verdict.Fate} {verdict.Error} {verdict.Reason}";
    }

    private static StatusExtent[] Extents(Random random)
    {
        StatusExtent[] extents = new StatusExtent[random.Next(6)];
        foreach (ref StatusExtent extent in extents.AsSpan())
            extent = new StatusExtent(random.NextInt64(1, 1L << random.Next(1, 62)), (BlockState)random.Next(4));
        return extents;
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), out int value) ? value : otherwise;
}
