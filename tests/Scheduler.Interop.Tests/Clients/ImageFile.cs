using System.Security.Cryptography;

namespace Scheduler.Interop.Tests.Clients;

/// <summary>Files as guests have them: data, and holes between.</summary>
internal static class ImageFile
{
    /// <summary>Writes runs of data and holes of uneven lengths; the same seed gives the same file.</summary>
    public static void Create(string path, long size, int seed)
    {
        Random random = new(seed);
        using FileStream file = File.Create(path);
        file.SetLength(size);
        byte[] data = new byte[1 << 20];
        for (long position = 0; position < size;)
        {
            int run = (int)Math.Min(size - position, random.Next(1, 256) * 4096L);
            if (random.Next(3) > 0)
            {
                random.NextBytes(data.AsSpan(0, run));
                file.Position = position;
                file.Write(data, 0, run);
            }

            position += run;
        }
    }

    public static string Hash(string path)
    {
        using FileStream file = File.OpenRead(path);
        return Convert.ToHexString(SHA256.HashData(file));
    }
}
