using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Scheduler.Interop.Tests.Harness;

/// <summary>A CA that issues certificates for a test, and writes them where clients and the service look for them.</summary>
internal sealed class Authority : IDisposable
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;

    public Authority(string name)
    {
        CertificateRequest request = new($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddYears(-1), DateTimeOffset.UtcNow.AddYears(1));
    }

    /// <summary>A certificate with its key.</summary>
    /// <param name="subject">E.g. <c>CN=web1</c>.</param>
    /// <param name="server">It is a server's on this machine, not a client's.</param>
    /// <param name="until">When it expires; tomorrow unless given.</param>
    public X509Certificate2 Issue(string subject, bool server = false, DateTimeOffset? until = null)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(server ? ServerAuthentication : ClientAuthentication)], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_certificate, true, false));
        if (server)
        {
            SubjectAlternativeNameBuilder names = new();
            names.AddDnsName("localhost");
            names.AddIpAddress(IPAddress.Loopback);
            request.CertificateExtensions.Add(names.Build());
        }

        DateTimeOffset end = until ?? DateTimeOffset.UtcNow.AddDays(1);
        using X509Certificate2 issued = request.Create(_certificate, end.AddDays(-30), end, Guid.NewGuid().ToByteArray());
        return issued.CopyWithPrivateKey(key);
    }

    /// <summary>Writes <c>server-cert.pem</c> and <c>server-key.pem</c>.</summary>
    public void WriteServer(string directory, string subject = "CN=localhost") => Write(directory, "server", Issue(subject, server: true));

    /// <summary>Writes <c>ca-cert.pem</c>, which says whom to trust.</summary>
    public void WriteCa(string directory)
    {
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "ca-cert.pem"), _certificate.ExportCertificatePem());
    }

    /// <summary>Writes <c>client-cert.pem</c> and <c>client-key.pem</c>.</summary>
    public static void WriteClient(string directory, X509Certificate2 certificate) => Write(directory, "client", certificate);

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }

    private static void Write(string directory, string role, X509Certificate2 certificate)
    {
        Directory.CreateDirectory(directory);
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        File.WriteAllText(Path.Combine(directory, $"{role}-cert.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(directory, $"{role}-key.pem"), key.ExportPkcs8PrivateKeyPem());
    }
}
