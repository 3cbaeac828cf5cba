using Scheduler.Host.Configuration;

namespace Scheduler.Host.Tests.Configuration;

/// <summary>TLS, and who is which guest.</summary>
public sealed class AccessSettingsTests : IDisposable
{
    private const string Print = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    private const string Server = "nbd.tls={ certificate = s.pem, key = k.pem }";
    private const string Mutual = "nbd.tls={ certificate = s.pem, key = k.pem, client-ca = ca.pem, required = true }";
    private const string Web = "guests.g0.certificates=[\"CN=web1\"]";

    private readonly ConfigFile _file = new();

    public void Dispose() => _file.Dispose();

    [Fact]
    public void Without_keys_there_is_neither()
    {
        ServiceSettings settings = _file.Load();
        Assert.Null(settings.Nbd.Tls);
        Assert.Equal(256, settings.Nbd.HandshakesMax);
        Assert.All(settings.Guests, guest => Assert.Empty(guest.Identities));
    }

    [Fact]
    public void Everything_that_can_be_said_is_taken()
    {
        string capital = string.Join(':', Print.ToUpperInvariant().Chunk(2).Select(pair => new string(pair)));
        ServiceSettings settings = _file.Load(Mutual, $"guests.g0.certificates=[\"CN=web 1\", \"SHA256:{capital}\"]", "guests.g1.uids=[0, 4294967294]", "nbd.handshakes-max=7");
        Assert.Equal(new TlsSettings("s.pem", "k.pem", "ca.pem", true), settings.Nbd.Tls);
        Assert.Equal(["CN=web 1", "sha256:" + Print], settings.Guests[0].Identities);
        Assert.Equal(["uid:0", "uid:4294967294"], settings.Guests[1].Identities);
        Assert.Equal(7, settings.Nbd.HandshakesMax);
        Assert.Equal(new TlsSettings("s.pem", "k.pem", null, false), _file.Load(Server).Nbd.Tls);
    }

    [Theory]
    [InlineData("nbd.tls.certificate=s.pem", "nbd.tls.certificate: needs key, its private key, beside it")]
    [InlineData("nbd.tls.key=k.pem", "nbd.tls.key: needs certificate, the server's own, beside it")]
    [InlineData("nbd.tls.client-ca=k.pem", "nbd.tls.client-ca: needs certificate, the server's own, beside it")]
    [InlineData("nbd.tls.required=true", "nbd.tls.required: needs certificate, the server's own, beside it")]
    [InlineData("nbd.tls.required=maybe", "nbd.tls.required: 'maybe' is neither true nor false")]
    [InlineData("nbd.handshakes-max=0", "nbd.handshakes-max: '0' is not a whole number from 1 to 65536")]
    [InlineData("guests.g0.uids=[-1]", "guests.g0.uids: '-1' is not a whole number from 0 to 4294967294")]
    [InlineData("guests.g0.uids=[4294967295]", "guests.g0.uids: '4294967295' is not a whole number from 0 to 4294967294")]
    [InlineData("guests.g0.uids=[5, 5]", "guests.g0.uids: uid:5 is listed twice")]
    [InlineData("guests.g0.domains=[\"\"]", "guests.g0.domains: '' is neither the name of a Xen domain nor its UUID: 1 to 64 printable characters")]
    [InlineData("guests.g0.domains=[web1, web1]", "guests.g0.domains: xen:web1 is listed twice")]
    [InlineData("guests.g0.certificates=[web1]", "guests.g0.certificates: 'web1' is neither CN=name, the common name of a certificate, nor sha256: and 64 hexadecimal digits")]
    [InlineData("guests.g0.certificates=[\"CN=\"]", "guests.g0.certificates: 'CN=' is neither CN=name, the common name of a certificate, nor sha256: and 64 hexadecimal digits")]
    [InlineData("guests.g0.certificates=[\"sha256:12\"]", "guests.g0.certificates: 'sha256:12' is neither CN=name, the common name of a certificate, nor sha256: and 64 hexadecimal digits")]
    public void A_bad_value_is_one_line_with_its_key(string set, string problem) =>
        Assert.Equal($"--set: scheduler.{problem}", _file.Error(set));

    [Fact]
    public void Certificates_need_to_be_issued_by_somebody() =>
        Assert.EndsWith(
            "scheduler.nbd.tls.client-ca: must be set: guest g0 has certificates, and it says who issues them", _file.Error(Server, Web));

    [Theory]
    [InlineData("certificates=[\"CN=web1\"]", "certificates: CN=web1 is also guest g0")]
    [InlineData("certificates=[\"sha256:" + Print + "\"]", "certificates: sha256:" + Print + " is also guest g0")]
    [InlineData("uids=[1001]", "uids: uid:1001 is also guest g0")]
    public void An_identity_is_one_guest(string second, string problem) =>
        Assert.Equal(
            $"--set: scheduler.guests.g1.{problem}",
            _file.Error(Mutual, $"guests.g0.certificates=[\"CN=web1\", \"sha256:{Print}\"]", "guests.g0.uids=[1001]", $"guests.g1.{second}"));

    [Fact]
    public void Other_machines_may_connect_if_they_must_use_TLS_and_show_a_certificate()
    {
        const string Everywhere = "nbd.listen=[\"tcp://0.0.0.0:10809\"]";
        Assert.False(_file.Load(Everywhere, Mutual, Web).Nbd.Listen[0].IsLocal);
        Assert.Contains("scheduler.insecure = true", _file.Error(Everywhere, Mutual, Web, "nbd.tls.required=false"));
        Assert.Contains("scheduler.insecure = true", _file.Error(Everywhere, Server, "nbd.tls.required=true"));
        Assert.Contains("scheduler.insecure = true", _file.Error(Everywhere, "guests.g0.uids=[1]"));

        Assert.Contains("scheduler.admin.listen", _file.Error("admin.listen=http://0.0.0.0:80", Mutual, Web));
    }

    [Fact]
    public void Other_machines_may_ask_the_admin_address_over_TLS()
    {
        const string Tls = "admin.tls={ certificate = s.pem, key = k.pem }";
        ServiceSettings settings = _file.Load("admin.listen=https://0.0.0.0", Tls);
        Assert.Equal("0.0.0.0:443", settings.AdminListen.ToString());
        Assert.Equal(new AdminTlsSettings("s.pem", "k.pem"), settings.AdminTls);
        Assert.Null(_file.Load().AdminTls);
        Assert.EndsWith("'https://0.0.0.0' needs admin.tls, with certificate and key", _file.Error("admin.listen=https://0.0.0.0"));
        Assert.EndsWith("'http://127.0.0.1' does without admin.tls; write https://127.0.0.1:443", _file.Error("admin.listen=http://127.0.0.1", Tls));
        Assert.EndsWith("'unix:a' does without admin.tls; write https://127.0.0.1:443", _file.Error("admin.listen=\"unix:a\"", Tls));
        Assert.EndsWith("admin.tls.certificate: needs key, its private key, beside it", _file.Error("admin.tls.certificate=s.pem"));
        Assert.EndsWith("admin.tls.key: needs certificate, the server's own, beside it", _file.Error("admin.tls.key=s.pem"));
    }
}
