using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Scheduler.Actors;

namespace Scheduler.Host.Api.Access;

/// <summary>The secrets of tokens: 256 random bits, kept as their SHA-256 alone. No slow hash is needed where nothing can be guessed.</summary>
internal static class TokenSecret
{
    private const int SecretBytes = 32;

    /// <summary>Makes a secret.</summary>
    /// <returns>43 letters, digits, '-' and '_'.</returns>
    public static string Make() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>What is kept of a secret.</summary>
    /// <param name="secret">The secret.</param>
    /// <returns>64 hexadecimal digits in small letters.</returns>
    public static string HashOf(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    /// <summary>The token that a secret belongs to, found in a time that says nothing of the hashes.</summary>
    /// <param name="secret">The secret.</param>
    /// <param name="tokens">All tokens.</param>
    /// <returns>The token; null if there is none.</returns>
    public static CatalogToken? Find(string secret, IEnumerable<CatalogToken> tokens)
    {
        string hash = HashOf(secret);
        CatalogToken? found = null;
        foreach (CatalogToken token in tokens)
        {
            if (CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes(hash.AsSpan()), MemoryMarshal.AsBytes(token.Hash.AsSpan())))
                found = token;
        }

        return found;
    }
}
