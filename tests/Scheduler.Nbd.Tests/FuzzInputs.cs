using System.Buffers.Binary;
using Scheduler.Nbd.Protocol;

namespace Scheduler.Nbd.Tests;

/// <summary>
/// Hostile input: noise, mutations of real handshakes and requests, and well-formed frames of nonsense.
/// </summary>
internal static class FuzzInputs
{
    // Transcripts with 64 KiB of data would be most of the work and none of the variety.
    private static readonly byte[][] Corpus =
        [.. HandshakeTranscripts.All.Values.Select(t => new Transcript(t).Client).Where(c => c.Length < 1024)];

    private static readonly uint[] Lengths =
    [
        0, 1, 8, 0x200, 0x1000, 0x1001, 0x8000, 0x10000, 0x10001,
        0x2000000, 0x2000200, 0x7fffffff, 0x80000000, 0xffffffff,
    ];

    private static readonly ulong[] Offsets =
    [
        0, 1, 0x200, 0x1000, 0x8000, 0x10000, 0x3ffffe00, 0x40000000,
        long.MaxValue, 0x8000000000000000, ulong.MaxValue,
    ];

    private static readonly byte[][] Names =
    [
        .. new[] { "00000000", "00000002 'd0'", "00000002 'ro'", "00000004 'gone'", "00000002 ffff" }
            .Select(Wire.Bytes),
    ];

    // What may follow a name: information requests, or queries.
    private static readonly byte[][] Rests =
    [
        .. new[]
        {
            "", "0000", "0001 0001", "0009 0002*9",
            "00000000", "00000001 0000000f 'base:allocation'", "ffffffff 00000000*9",
        }.Select(Wire.Bytes),
    ];

    public static byte[] Handshake(Random random)
    {
        byte[] input = random.Next(8) switch
        {
            0 => Noise(random, random.Next(300)),
            1 or 2 => [0, 0, 0, (byte)random.Next(4), .. Frames(random)],
            3 => [.. Pick(random, Corpus), .. Frames(random)],
            _ => Pick(random, Corpus),
        };
        return random.Next(4) == 0 ? input : Mutate(random, input);
    }

    public static byte[] Request(Random random)
    {
        if (random.Next(10) == 0)
            return Noise(random, random.Next(64));

        byte[] input = new byte[RequestHeader.Bytes];
        BinaryPrimitives.WriteUInt32BigEndian(input, NbdConstants.RequestMagic);
        int flags = random.Next(4) > 0 ? random.Next(2) : random.Next(64);
        BinaryPrimitives.WriteUInt16BigEndian(input.AsSpan(4), (ushort)flags);
        BinaryPrimitives.WriteUInt16BigEndian(input.AsSpan(6), (ushort)random.Next(10));
        BinaryPrimitives.WriteInt64BigEndian(input.AsSpan(8), random.NextInt64());
        BinaryPrimitives.WriteUInt64BigEndian(input.AsSpan(16), Pick(random, Offsets));
        BinaryPrimitives.WriteUInt32BigEndian(input.AsSpan(24), Pick(random, Lengths));
        return random.Next(4) > 0 ? input : Mutate(random, input);
    }

    /// <summary>Options that begin as they should, with any number, any length and any data.</summary>
    private static byte[] Frames(Random random)
    {
        List<byte> bytes = [];
        for (int i = random.Next(1, 6); i > 0; i--)
        {
            byte[] data = random.Next(3) == 0
                ? Noise(random, random.Next(40))
                : [.. Pick(random, Names), .. Pick(random, Rests)];
            byte[] header = new byte[16];
            BinaryPrimitives.WriteUInt64BigEndian(header, NbdConstants.OptionMagic);
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(8), random.Next(13));
            uint length = random.Next(8) == 0 ? Pick(random, Lengths) : (uint)data.Length;
            BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(12), length);
            bytes.AddRange(header);
            bytes.AddRange(data);
        }

        return [.. bytes];
    }

    private static byte[] Mutate(Random random, byte[] input)
    {
        List<byte> bytes = [.. input];
        for (int i = random.Next(1, 5); i > 0 && bytes.Count > 0; i--)
        {
            int at = random.Next(bytes.Count);
            int run = random.Next(Math.Min(8, bytes.Count - at) + 1);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = Pick(random, (byte[])[0, 1, 0x7f, 0x80, 0xff]);
                    break;
                case 2:
                    bytes.InsertRange(at, Noise(random, random.Next(8)));
                    break;
                case 3:
                    bytes.RemoveRange(at, run);
                    break;
                case 4:
                    bytes.InsertRange(at, bytes.GetRange(at, run));
                    break;
                default:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }
        }

        return [.. bytes];
    }

    private static byte[] Noise(Random random, int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private static T Pick<T>(Random random, T[] from) => from[random.Next(from.Length)];
}
