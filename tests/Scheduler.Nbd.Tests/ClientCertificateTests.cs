using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Scheduler.Nbd.Access;
using Scheduler.Nbd.Tls;

namespace Scheduler.Nbd.Tests;

public class ClientCertificateTests
{
    [Theory]
    [InlineData("CN=web1", "web1")]
    [InlineData("CN=web1, O=Example", "web1")]
    [InlineData("O=Example, CN=web1", "web1")]
    [InlineData("CN=\"a, CN=web1\"", "a, CN=web1")]
    [InlineData("O=\"x, CN=web1\"", null)]
    [InlineData("O=Example", null)]

    // Which of two it would be is for no one to guess.
    [InlineData("CN=web1, CN=web2", null)]
    public void The_common_name_is_that_of_the_subject_if_it_has_one(string subject, string? name) =>
        Assert.Equal(name, Read(new X500DistinguishedName(subject)).CommonName);

    [Fact]
    public void A_common_name_in_one_part_with_another_attribute_does_not_count()
    {
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSetOf())
        {
            foreach ((string attribute, string value) in new[] { ("2.5.4.3", "web1"), ("2.5.4.10", "Example") })
            {
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier(attribute);
                    writer.WriteCharacterString(UniversalTagNumber.UTF8String, value);
                }
            }
        }

        Assert.Null(Read(new X500DistinguishedName(writer.Encode())).CommonName);
    }

    [Fact]
    public void The_digits_are_those_that_openssl_prints()
    {
        using X509Certificate2 certificate = Make(new X500DistinguishedName("CN=web1"));
        Assert.Equal(certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant(), ClientCertificate.Read(certificate).Sha256);
    }

    [Fact]
    public void What_goes_to_the_log_is_printable_and_short()
    {
        X500DistinguishedNameBuilder builder = new();
        builder.AddCommonName("web\n2026 crit: \u001b[31m\u00e4");
        Assert.DoesNotContain(Read(builder.Build()).Subject, character => character is < ' ' or > '~');
        Assert.Equal(200, ClientCertificate.Printable(new string('x', 1000)).Length);
    }

    private static PeerCertificate Read(X500DistinguishedName subject)
    {
        using X509Certificate2 certificate = Make(subject);
        return ClientCertificate.Read(certificate);
    }

    private static X509Certificate2 Make(X500DistinguishedName subject)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest(subject, key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
    }
}
