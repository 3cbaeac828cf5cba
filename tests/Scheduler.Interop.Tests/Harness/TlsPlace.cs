using System.Security.Cryptography.X509Certificates;

namespace Scheduler.Interop.Tests.Harness;

/// <summary>
/// What a test with TLS needs: a directory, a CA, a server's certificate in <c>tls</c>, and certificates of clients; web is guest
/// g0 by name, db is guest g1 by its digits.
/// </summary>
internal sealed class TlsPlace : IDisposable
{
    public TlsPlace()
    {
        Ca.WriteServer(Directory.File("tls"));
        Ca.WriteCa(Directory.File("tls"));
        Web = Ca.Issue("CN=web, O=Example");
        Db = Ca.Issue("CN=somebody");
    }

    public TemporaryDirectory Directory { get; } = new();

    public Authority Ca { get; } = new("Test CA");

    public X509Certificate2 Web { get; }

    public X509Certificate2 Db { get; }

    /// <summary>Keys of the section <c>scheduler</c>.</summary>
    /// <param name="required">Whether TLS is.</param>
    /// <param name="authenticated">Clients show certificates, and are told apart by them.</param>
    public string Config(bool required = true, bool authenticated = true) => $$"""
        nbd.tls {
          certificate = "tls/server-cert.pem", key = "tls/server-key.pem", required = {{(required ? "true" : "false")}}
          {{(authenticated ? "client-ca = \"tls/ca-cert.pem\"" : "")}}
        }
        {{Harness.Config.OneVolume(Directory, "cache = buffered")}}
        {{(authenticated ? $"guests.g0.certificates = [\"CN=web\"], guests.g1.certificates = [\"sha256:{Db.GetCertHashString(System.Security.Cryptography.HashAlgorithmName.SHA256)}\"]" : "")}}
        """;

    public ServiceProcess Start(string more = "", bool required = true, bool authenticated = true) =>
        ServiceProcess.Start(Directory, $"{Config(required, authenticated)}\n{more}\n");

    /// <summary>A directory as libnbd and qemu expect it.</summary>
    /// <param name="name">Of the directory.</param>
    /// <param name="certificate">The client's; null: it has none.</param>
    public string Client(string name, X509Certificate2? certificate)
    {
        string directory = Directory.File(name);
        Ca.WriteCa(directory);
        if (certificate is not null)
            Authority.WriteClient(directory, certificate);
        return directory;
    }

    public void Dispose()
    {
        Web.Dispose();
        Db.Dispose();
        Ca.Dispose();
        Directory.Dispose();
    }
}
