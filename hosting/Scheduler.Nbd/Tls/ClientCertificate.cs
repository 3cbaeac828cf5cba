using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Scheduler.Nbd.Access;

namespace Scheduler.Nbd.Tls;

/// <summary>What of a certificate names its owner.</summary>
public static class ClientCertificate
{
    private const string CommonName = "2.5.4.3";
    private const int PrintableMax = 200;

    /// <summary>Reads a certificate.</summary>
    /// <param name="certificate">Any certificate.</param>
    /// <returns>Its owner.</returns>
    public static PeerCertificate Read(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return new PeerCertificate(
            CommonNameOf(certificate.SubjectName),
            Convert.ToHexStringLower(SHA256.HashData(certificate.RawDataMemory.Span)),
            Printable(certificate.Subject));
    }

    /// <summary>Makes a text that somebody else chose fit for a line of a log.</summary>
    /// <param name="text">Any text.</param>
    /// <returns>At most 200 characters of it, with a question mark for each that is not printable ASCII.</returns>
    public static string Printable(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return string.Create(Math.Min(text.Length, PrintableMax), text, (line, from) =>
        {
            for (int i = 0; i < line.Length; i++)
                line[i] = from[i] is >= ' ' and <= '~' ? from[i] : '?';
        });
    }

    // Which of two it would be is for no one to guess.
    private static string? CommonNameOf(X500DistinguishedName subject)
    {
        string? found = null;
        foreach (X500RelativeDistinguishedName part in subject.EnumerateRelativeDistinguishedNames())
        {
            if (part.HasMultipleElements)
                return null;
            if (part.GetSingleElementType().Value != CommonName)
                continue;
            if (found is not null)
                return null;
            found = part.GetSingleElementValue();
        }

        return found;
    }
}
